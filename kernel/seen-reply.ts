import { type Answer, BytesBody, type JsonObject, type JsonReply } from '../plugin-sdk/index.ts';
import { answerContext } from './answer-context.ts';
import type { LiveExchange } from './exchange.ts';
import { replyJson } from './execute/reply-json.ts';

/**
 * A JSON reply as plugins see it. Both views are made only when looked at, and are own members, so that a plugin may
 * spread the reply into a changed one.
 */
export class SeenReply implements JsonReply {
  readonly status: number;
  readonly origin: JsonReply['origin'];
  declare readonly json: JsonObject;
  declare readonly answer?: Answer;
  readonly #exchange: LiveExchange;
  readonly #bytes: BytesBody | undefined;
  #answer: Answer | undefined;

  /** `content`: the answer of a translated reply, or the bytes of a carried one. */
  constructor(
    exchange: LiveExchange,
    { status, origin }: Pick<JsonReply, 'status' | 'origin'>,
    content: Answer | Buffer | string,
  ) {
    this.status = status;
    this.origin = origin;
    this.#exchange = exchange;
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    this.#bytes = Buffer.isBuffer(bytes) ? new BytesBody(bytes, 'application/json') : undefined;
    this.#answer = Buffer.isBuffer(bytes) ? undefined : bytes;
    // The same descriptors for all: a getter made per reply would be a hidden class per reply, which V8 keeps for long.
    Object.defineProperty(this, 'json', jsonView);
    if (exchange.dialect.chat !== undefined) Object.defineProperty(this, 'answer', answerView);
  }

  static json(seen: SeenReply): JsonObject {
    if (seen.#bytes === undefined)
      return seen.#exchange.dialect.chat!.encodeAnswer(seen.#answer!, answerContext(seen.#exchange));
    return replyJson(seen.#exchange.served?.target.provider ?? 'the gateway', seen.#bytes);
  }

  static answer(seen: SeenReply): Answer {
    seen.#answer ??= seen.#exchange.dialect.chat!.decodeAnswer(SeenReply.json(seen));
    return seen.#answer;
  }
}

const jsonView: PropertyDescriptor & ThisType<SeenReply> = {
  enumerable: true,
  get() {
    return SeenReply.json(this);
  },
};

const answerView: PropertyDescriptor & ThisType<SeenReply> = {
  enumerable: true,
  get() {
    return SeenReply.answer(this);
  },
};

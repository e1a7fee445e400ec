import {
  callerSlot,
  defineSlot,
  type Exchange,
  isObject,
  type JsonReply,
  type JsonValue,
  type RoutedExchange,
  type StreamTransform,
} from '../../plugin-sdk/index.ts';
import type { RecordedContent } from '../../plugin-sdk/ports/records.ts';
import { AnswerCollector } from './collect-answer.ts';
import type { ContentOptions } from './options.ts';
import { redactValue } from './redact.ts';

/** What was seen of a reply; the owner is this plugin. */
const replySlot = defineSlot<{ readonly json: JsonValue } | AnswerCollector>('recorded-reply');

/** True when the content of some exchange may be wanted; if not, nothing needs to be watched. */
export function mayRecordContent(options: ContentOptions): boolean {
  return options.default || options.callersMayTurnOn || Object.values(options.virtualKeys).includes(true);
}

/** Request and reply of the exchanges for which the operator wants them, redacted and cut to size. */
export class ContentRecorder {
  readonly #options: ContentOptions;
  readonly #redact: (text: string) => string;

  constructor(options: ContentOptions, redact: (text: string) => string) {
    this.#options = options;
    this.#redact = redact;
  }

  /** The operator's word for this caller; a request may always say no, and yes only where the operator allows that. */
  wants(exchange: Exchange): boolean {
    const { headers } = exchange.request;
    const asked = headers.get('x-bf-record-content');
    if (asked === 'false' || headers.get('x-bf-disable-content-logging') === 'true') return false;
    if (asked === 'true' && this.#options.callersMayTurnOn) return true;
    const caller = exchange.get(callerSlot);
    return (caller === undefined ? undefined : this.#options.virtualKeys[caller.id]) ?? this.#options.default;
  }

  seeReply(reply: JsonReply, exchange: Exchange): void {
    if (this.wants(exchange)) exchange.set(replySlot, { json: reply.json });
  }

  watchStream(exchange: Exchange): StreamTransform | undefined {
    if (!this.wants(exchange)) return undefined;
    const collector = new AnswerCollector(this.#options.maxBytes);
    exchange.set(replySlot, collector);
    return collector;
  }

  /** `undefined` when this exchange's content is not kept. */
  contentOf(
    exchange: RoutedExchange,
  ): { readonly content: RecordedContent; readonly responseId: string | undefined } | undefined {
    if (!this.wants(exchange)) return undefined;
    const seen = exchange.get(replySlot);
    const reply = seen instanceof AnswerCollector ? wireAnswer(seen, exchange) : seen?.json;
    const request = this.#side(requestJson(exchange));
    const response = this.#side(reply);
    const truncated = request.truncated || response.truncated || (seen instanceof AnswerCollector && seen.truncated);
    const content = {
      ...(request.value === undefined ? {} : { request: request.value }),
      ...(response.value === undefined ? {} : { response: response.value }),
      truncated,
    };
    const id = isObject(reply) ? reply['id'] : undefined;
    return { content, responseId: exchange.operation === 'responses' && typeof id === 'string' ? id : undefined };
  }

  #side(value: JsonValue | undefined): { readonly value: JsonValue | undefined; readonly truncated: boolean } {
    if (value === undefined) return { value, truncated: false };
    const redacted = redactValue(value, this.#redact);
    const text = JSON.stringify(redacted);
    const truncated = text.length > this.#options.maxBytes;
    return { value: truncated ? text.slice(0, this.#options.maxBytes) : redacted, truncated };
  }
}

function requestJson({ request: { body } }: Exchange): JsonValue | undefined {
  if (body.kind !== 'bytes' || !body.isJson) return undefined;
  try {
    return body.json();
  } catch {
    return undefined;
  }
}

/** A streamed answer as its client's dialect writes a whole one, so that it can be given back as such. */
function wireAnswer(collector: AnswerCollector, exchange: RoutedExchange): JsonValue {
  const { answer } = collector;
  const { chat } = exchange.dialect;
  const body = requestJson(exchange);
  if (chat === undefined || !isObject(body)) return answer as unknown as JsonValue;
  try {
    return chat.encodeAnswer(answer, {
      requestId: exchange.id,
      model: exchange.model ?? '',
      conversation: chat.decodeRequest(body),
      now: Math.floor(exchange.time / 1_000),
    });
  } catch {
    return answer as unknown as JsonValue;
  }
}

import {
  callerSlot,
  type Exchange,
  type FetchedReply,
  GatewayError,
  type Host,
  isObject,
  slotValue,
} from '../../plugin-sdk/index.ts';
import { recordLinksSlot } from '../../plugin-sdk/ports/records.ts';
import type { SemanticCacheOptions } from './options.ts';

/** After this long nobody has a use for an embedding any more. */
const giveUpMs = 10_000;
/** A line of the log stays a line. */
const maxReasonLength = 500;

/** Makes embeddings through the gateway's own endpoint: any provider, charged to the caller, recorded under the exchange. */
export class Embedder {
  readonly #host: Host;
  readonly #options: SemanticCacheOptions;

  constructor(host: Host, options: SemanticCacheOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** A vector of length 1. Throws GatewayError UP_STATUS, UP_BAD_BODY, and whatever the call may fail with. */
  async embed(text: string, exchange: Exchange): Promise<Float32Array> {
    const { model, url, dimensions } = this.#options;
    const caller = exchange.get(callerSlot);
    const body = JSON.stringify({ model, input: text, ...(dimensions === undefined ? {} : { dimensions }) });
    const reply = await this.#host.run({
      method: 'POST',
      url,
      headers: ['content-type', 'application/json'],
      body: Buffer.from(body),
      slots: [
        slotValue(recordLinksSlot, { parent: exchange.id }),
        ...(caller === undefined ? [] : [slotValue(callerSlot, caller)]),
      ],
      signal: AbortSignal.timeout(giveUpMs),
    });
    if (reply.status !== 200) throw refused(model, reply);
    return normalised(vectorIn(JSON.parse(reply.body.toString('utf8'))) ?? missing(model));
  }
}

function vectorIn(json: unknown): number[] | undefined {
  const data = isObject(json) ? json['data'] : undefined;
  const first = Array.isArray(data) ? data[0] : undefined;
  const vector = isObject(first) ? first['embedding'] : undefined;
  return Array.isArray(vector) && vector.length > 1 && vector.every((one) => typeof one === 'number')
    ? (vector as number[])
    : undefined;
}

function normalised(numbers: readonly number[]): Float32Array {
  const length = Math.sqrt(numbers.reduce((sum, one) => sum + one * one, 0));
  return Float32Array.from(numbers, (one) => (length === 0 ? 0 : one / length));
}

/** The gateway itself may have refused the call, so nobody is named as the one who did; the words tell. */
function refused(model: string, { status, body }: FetchedReply): GatewayError {
  const said = messageIn(body.toString('utf8'));
  const answered = `An embedding by ${model} was answered with status ${status}`;
  return new GatewayError('UP_STATUS', { message: said === undefined ? answered : `${answered}: ${said}` }, { status });
}

function messageIn(text: string): string | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const error = isObject(json) ? json['error'] : undefined;
    const message = isObject(error) ? error['message'] : undefined;
    return typeof message === 'string' ? message.slice(0, maxReasonLength) : undefined;
  } catch {
    return undefined;
  }
}

function missing(model: string): never {
  throw unusable(model, 'it holds no embedding');
}

function unusable(provider: string, reason: string): GatewayError {
  return new GatewayError('UP_BAD_BODY', { provider, reason });
}

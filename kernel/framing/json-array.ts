import { GatewayError } from '../../plugin-sdk/errors.ts';
import { defaultMaxEventBytes, type Emit, type Framer, type FramerLimits } from './framer.ts';
import { HeldBytes } from './held-bytes.ts';

const quote = 34;
const comma = 44;
const openBracket = 91;
const backslash = 92;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;

/**
 * A JSON array of objects that arrives piece by piece (Gemini without `alt=sse`): one event per object. Objects outside
 * an array, one after the other, are taken too, since errors come that way. Only brackets and strings are
 * understood here; whoever parses the event finds the rest.
 */
export class JsonArrayFramer implements Framer {
  readonly #provider: string;
  readonly #maxEventBytes: number;
  readonly #held = new HeldBytes();
  #inArray = false;
  /** Open brackets within the current object; 0 between objects. */
  #depth = 0;
  #inString = false;
  #escaped = false;

  constructor(limits: FramerLimits) {
    this.#provider = limits.provider;
    this.#maxEventBytes = limits.maxEventBytes ?? defaultMaxEventBytes;
  }

  push(chunk: Buffer, emit: Emit): void {
    let start = 0;
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (depth === 0) {
        if (byte === openBrace) {
          depth = 1;
          start = at;
        } else this.#between(byte);
      } else if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) inString = false;
      } else if (byte === quote) inString = true;
      else if (byte === openBrace || byte === openBracket) depth++;
      else if (byte === closeBrace || byte === closeBracket) {
        depth--;
        if (depth === 0) emit({ data: this.#take(chunk, start, at + 1) });
      }
    }
    if (depth > 0) {
      this.#checkSize(chunk.length - start);
      this.#held.append(chunk, start, chunk.length);
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
  }

  end(): void {
    if (this.#depth > 0 || this.#inArray) throw new GatewayError('UP_STREAM_CUT', { provider: this.#provider });
  }

  #between(byte: number): void {
    if (byte === comma || byte === 32 || byte === 10 || byte === 13 || byte === 9) return;
    if (byte === openBracket && !this.#inArray) this.#inArray = true;
    else if (byte === closeBracket && this.#inArray) this.#inArray = false;
    else {
      const reason = `its stream is an array of objects, but has ${JSON.stringify(String.fromCharCode(byte))} between them`;
      throw new GatewayError('UP_BAD_BODY', { provider: this.#provider, reason });
    }
  }

  #take(chunk: Buffer, start: number, end: number): string {
    this.#checkSize(end - start);
    if (this.#held.length === 0) return chunk.toString('utf8', start, end);
    this.#held.append(chunk, start, end);
    const text = this.#held.bytes.toString('utf8', 0, this.#held.length);
    this.#held.clear();
    return text;
  }

  #checkSize(more: number): void {
    if (this.#held.length + more <= this.#maxEventBytes) return;
    throw new GatewayError('UP_EVENT_TOO_LARGE', { provider: this.#provider, limit: this.#maxEventBytes });
  }
}

import { GatewayError } from '../../plugin-sdk/errors.ts';
import { defaultMaxEventBytes, type Emit, type Framer, type FramerLimits } from './framer.ts';
import { HeldBytes } from './held-bytes.ts';

const lineFeed = 10;
const carriageReturn = 13;

/** Base of the framings made of lines. Lines are bytes until they are complete, so no character is ever cut in two. */
export abstract class LineFramer implements Framer {
  protected readonly maxEventBytes: number;
  readonly #provider: string;
  readonly #carriageReturnEnds: boolean;
  readonly #held = new HeldBytes();
  #afterCarriageReturn = false;
  #atStart = true;

  /** `carriageReturnEnds`: CR alone and CRLF end a line too, not only LF. */
  constructor(limits: FramerLimits, carriageReturnEnds: boolean) {
    this.maxEventBytes = limits.maxEventBytes ?? defaultMaxEventBytes;
    this.#provider = limits.provider;
    this.#carriageReturnEnds = carriageReturnEnds;
  }

  /** One line, `[start, end)` of `bytes`, without its end. The bytes are only valid during the call. */
  protected abstract line(bytes: Buffer, start: number, end: number, emit: Emit): void;

  push(chunk: Buffer, emit: Emit): void {
    if (chunk.length === 0) return;
    let at = 0;
    if (this.#afterCarriageReturn) {
      this.#afterCarriageReturn = false;
      if (chunk[0] === lineFeed) at = 1;
    }
    let lf = chunk.indexOf(lineFeed, at);
    let cr = this.#carriageReturnEnds ? chunk.indexOf(carriageReturn, at) : -1;
    while (lf !== -1 || cr !== -1) {
      const end = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr;
      this.#complete(chunk, at, end, emit);
      at = end + 1;
      if (end === cr) {
        if (at === chunk.length) this.#afterCarriageReturn = true;
        else if (chunk[at] === lineFeed) at++;
        cr = chunk.indexOf(carriageReturn, at);
      }
      if (lf !== -1 && lf < at) lf = chunk[at] === lineFeed ? at : chunk.indexOf(lineFeed, at);
    }
    if (at < chunk.length) {
      if (this.#held.length + chunk.length - at > this.maxEventBytes) this.tooLarge();
      this.#held.append(chunk, at, chunk.length);
    }
  }

  end(emit: Emit): void {
    if (this.#held.length > 0) this.#complete(this.#held.bytes, 0, 0, emit);
  }

  protected tooLarge(): never {
    throw new GatewayError('UP_EVENT_TOO_LARGE', { provider: this.#provider, limit: this.maxEventBytes });
  }

  #complete(chunk: Buffer, start: number, end: number, emit: Emit): void {
    const held = this.#held;
    if (held.length + end - start > this.maxEventBytes) this.tooLarge();
    if (held.length === 0) {
      this.line(chunk, this.#afterByteOrderMark(chunk, start, end), end, emit);
      return;
    }
    if (end > start) held.append(chunk, start, end);
    this.line(held.bytes, this.#afterByteOrderMark(held.bytes, 0, held.length), held.length, emit);
    held.clear();
  }

  #afterByteOrderMark(bytes: Buffer, start: number, end: number): number {
    if (!this.#atStart) return start;
    this.#atStart = false;
    const marked = end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
    return marked ? start + 3 : start;
  }
}

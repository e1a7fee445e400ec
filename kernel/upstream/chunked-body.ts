import { MalformedReply } from './malformed-reply.ts';

/** Where the next byte stands. */
const state = { firstDigit: 0, size: 1, extension: 2, sizeEnd: 3, data: 4, dataCr: 5, dataLf: 6, trailers: 7, end: 8 };

const cr = 13;
const lf = 10;
const semicolon = 59;

/** Thirteen hexadecimal digits are the most that a number holds exactly. */
const mostDigits = 13;
const mostExtensionBytes = 16_384;
const mostTrailerBytes = 65_536;

/** Takes the framing off a chunked body (RFC 9112 section 7.1), at any split. One object reads one body. */
export class ChunkedBody {
  /** The lines behind the last chunk, as latin1 text, each with its line end. */
  trailers = '';
  #state = state.firstDigit;
  /** The size that is being read, then the bytes of its chunk that are still to come. */
  #missing = 0;
  #digits = 0;
  #extensionBytes = 0;

  /** The last chunk and its trailers have come. */
  get isComplete(): boolean {
    return this.#state === state.end;
  }

  /**
   * Copies the content among `bytes` from `at` on to the beginning of `out`, which has room for all of them. Returns how
   * many bytes of content there were, and where the reply ended (`bytes.length` if it goes on). Throws MalformedReply.
   */
  read(bytes: Buffer, from: number, out: Buffer): { readonly content: number; readonly end: number } {
    let content = 0;
    let at = from;
    while (at < bytes.length && this.#state !== state.end) {
      if (this.#state === state.data) {
        const taken = Math.min(this.#missing, bytes.length - at);
        bytes.copy(out, content, at, at + taken);
        content += taken;
        at += taken;
        this.#missing -= taken;
        if (this.#missing === 0) this.#state = state.dataCr;
      } else if (this.#state === state.trailers) {
        at = this.#readTrailers(bytes, at);
      } else {
        this.#step(bytes[at]!);
        at += 1;
      }
    }
    return { content, end: at };
  }

  #step(byte: number): void {
    switch (this.#state) {
      case state.firstDigit:
      case state.size:
        this.#readSize(byte);
        return;
      case state.extension:
        this.#extensionBytes += 1;
        if (this.#extensionBytes > mostExtensionBytes) throw new MalformedReply('its chunk extensions are too long');
        if (byte === cr) this.#state = state.sizeEnd;
        else if (byte === lf) throw new MalformedReply('a line of its chunks ends without a carriage return');
        return;
      case state.sizeEnd:
        expect(byte, lf);
        this.#state = this.#missing === 0 ? state.trailers : state.data;
        this.#digits = 0;
        return;
      case state.dataCr:
        expect(byte, cr);
        this.#state = state.dataLf;
        return;
      case state.dataLf:
        expect(byte, lf);
        this.#state = state.firstDigit;
    }
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#digits += 1;
      if (this.#digits > mostDigits) throw new MalformedReply('a chunk of it is too large');
      this.#missing = this.#missing * 16 + digit;
      this.#state = state.size;
      return;
    }
    if (this.#state === state.firstDigit) throw new MalformedReply('a chunk of it has no size');
    if (byte === cr) this.#state = state.sizeEnd;
    // Space before an extension is what some servers pad their sizes with.
    else if (byte === semicolon || byte === 32 || byte === 9) this.#state = state.extension;
    else throw new MalformedReply('the size of a chunk of it is no number');
  }

  #readTrailers(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const lineEnd = bytes.indexOf(lf, at);
      const end = lineEnd === -1 ? bytes.length : lineEnd + 1;
      this.trailers += bytes.toString('latin1', at, end);
      at = end;
      if (this.trailers.length > mostTrailerBytes) throw new MalformedReply('its trailers are too long');
      if (lineEnd === -1) break;
      if (this.trailers === '\r\n' || this.trailers.endsWith('\r\n\r\n')) {
        this.trailers = this.trailers.slice(0, -2);
        this.#state = state.end;
        break;
      }
    }
    return at;
  }
}

function expect(byte: number, expected: number): void {
  if (byte !== expected) throw new MalformedReply('its chunks do not end where their sizes say');
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

export const quote = 34;
export const comma = 44;
export const colon = 58;
export const openBracket = 91;
export const backslash = 92;
export const closeBracket = 93;
export const openBrace = 123;
export const closeBrace = 125;

/** `incomplete`: the bytes end where JSON may still go on. */
export type JsonProblem = 'incomplete' | 'invalid' | 'too-deep';

/** Where a value lies in the bytes: `[start, end)`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export const defaultMaxDepth = 512;
/** Strings up to here are read byte by byte, since a native search costs as much as about this many bytes. */
const nearby = 48;

/** The closing bracket of every open container. Shared: a skip never calls out, so two can never overlap. */
let closers = new Uint8Array(defaultMaxDepth + 1);

/**
 * Walks over JSON bytes without decoding them. Structure, strings and literals are checked; the inner form of numbers
 * and of string contents is not. The first problem is kept, with `at` where it was met; methods then return false.
 */
export class JsonCursor {
  readonly bytes: Buffer;
  at = 0;
  problem: JsonProblem | undefined;
  /** Deepest nesting met, where a container in no other is 1. */
  deepest = 0;
  /** The key last read, with its quotes. */
  keyStart = 0;
  keyEnd = 0;
  readonly #maxDepth: number;
  /** Containers entered by `open` and not left. */
  #depth = 0;

  constructor(bytes: Buffer, maxDepth: number = defaultMaxDepth) {
    this.bytes = bytes;
    this.#maxDepth = maxDepth;
    if (maxDepth >= closers.length) closers = new Uint8Array(maxDepth + 1);
  }

  /** Enters the container that starts here, if it is of this kind. False also when it is empty, and then left again. */
  open(bracket: typeof openBrace | typeof openBracket): boolean {
    const at = skipWhitespace(this.bytes, this.at);
    if (this.bytes[at] !== bracket) return this.#unexpected(at);
    if (++this.#depth > this.#maxDepth) return this.#fail('too-deep', at);
    this.deepest = Math.max(this.deepest, this.#depth);
    this.at = skipWhitespace(this.bytes, at + 1);
    if (this.bytes[this.at] !== bracket + 2) return true;
    this.at++;
    this.#depth--;
    return false;
  }

  /** Reads `"key":` and stops at the value. */
  key(): boolean {
    const { bytes, at } = this;
    if (bytes[at] !== quote) return this.#unexpected(at);
    const end = stringEnd(bytes, at + 1);
    if (end === -1) return this.#fail('incomplete', bytes.length);
    this.keyStart = at;
    this.keyEnd = end;
    const separator = skipWhitespace(bytes, end);
    if (bytes[separator] !== colon) return this.#unexpected(separator);
    this.at = skipWhitespace(bytes, separator + 1);
    return true;
  }

  /** After a value: stops at the next key or element. False when the container ends here, and then left. */
  next(bracket: typeof openBrace | typeof openBracket): boolean {
    const at = skipWhitespace(this.bytes, this.at);
    if (this.bytes[at] === comma) {
      this.at = skipWhitespace(this.bytes, at + 1);
      return true;
    }
    if (this.bytes[at] !== bracket + 2) return this.#unexpected(at);
    this.at = at + 1;
    this.#depth--;
    return false;
  }

  /** Nothing but whitespace may be left. */
  finish(): void {
    if (this.problem !== undefined) return;
    this.at = skipWhitespace(this.bytes, this.at);
    if (this.at < this.bytes.length) this.#unexpected(this.at);
  }

  /** Steps over the value that starts here, whatever it holds. A number that the bytes' end touches is incomplete. */
  skipValue(): boolean {
    const { bytes } = this;
    const stack = closers;
    const maxDepth = this.#maxDepth;
    const outer = this.#depth;
    let depth = outer;
    let at = this.at;
    for (;;) {
      const byte = bytes[at];
      let opened = false;
      if (byte === quote) {
        at = stringEnd(bytes, at + 1);
        if (at === -1) return this.#fail('incomplete', bytes.length);
      } else if (byte === openBrace || byte === openBracket) {
        if (++depth > maxDepth) return this.#fail('too-deep', at);
        if (depth > this.deepest) this.deepest = depth;
        stack[depth] = byte + 2;
        at = skipWhitespace(bytes, at + 1);
        opened = bytes[at] !== byte + 2;
      } else {
        const end = scalarEnd(bytes, at);
        if (end < 0) return this.#unexpected(~end);
        at = end;
      }

      if (!opened) {
        for (;;) {
          if (depth === outer) {
            this.at = at;
            return true;
          }
          at = skipWhitespace(bytes, at);
          if (bytes[at] !== stack[depth]) break;
          depth--;
          at++;
        }
        if (bytes[at] !== comma) return this.#unexpected(at);
        at = skipWhitespace(bytes, at + 1);
      }
      if (stack[depth] === closeBrace) {
        if (bytes[at] !== quote) return this.#unexpected(at);
        at = stringEnd(bytes, at + 1);
        if (at === -1) return this.#fail('incomplete', bytes.length);
        at = skipWhitespace(bytes, at);
        if (bytes[at] !== colon) return this.#unexpected(at);
        at = skipWhitespace(bytes, at + 1);
      }
    }
  }

  #unexpected(at: number): false {
    return this.#fail(at >= this.bytes.length ? 'incomplete' : 'invalid', at);
  }

  #fail(problem: JsonProblem, at: number): false {
    this.problem ??= problem;
    this.at = at;
    return false;
  }
}

export function skipWhitespace(bytes: Buffer, from: number): number {
  let at = from;
  while (isWhitespace(bytes[at])) at++;
  return at;
}

export function isWhitespace(byte: number | undefined): boolean {
  return byte !== undefined && byte <= 32 && (byte === 32 || byte === 10 || byte === 13 || byte === 9);
}

/** `from` is behind the opening quote; the result is behind the closing one, or -1 if there is none. */
export function stringEnd(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const near = Math.min(bytes.length, at + nearby);
    for (; at < near; at++) {
      if (bytes[at] === quote) break;
    }
    if (at >= near) {
      at = bytes.indexOf(quote, at);
      if (at === -1) return -1;
    }
    let firstBackslash = at;
    while (firstBackslash > from && bytes[firstBackslash - 1] === backslash) firstBackslash--;
    at++;
    if ((at - firstBackslash) % 2 === 1) return at;
  }
}

const literals = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)] as const));

/** Which of `true`, `false` and `null` begins with this byte. */
export function literalOf(byte: number | undefined): Buffer | undefined {
  return literals.get(byte ?? -1);
}

/** Where a number, `true`, `false` or `null` ends, or the complement of where it breaks off or goes wrong. */
function scalarEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (isNumberByte(bytes[at])) at++;
  if (at > from) return at < bytes.length ? at : ~at;
  const literal = literalOf(bytes[from]);
  if (literal === undefined) return ~from;
  for (let index = 1; index < literal.length; index++) {
    if (bytes[from + index] !== literal[index]) return ~(from + index);
  }
  return from + literal.length;
}

export function isNumberByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (byte >= 48 && byte <= 57) || byte === 45 || byte === 46 || byte === 43 || byte === 69 || byte === 101;
}

import {
  backslash,
  closeBrace,
  closeBracket,
  colon,
  comma,
  defaultMaxDepth,
  isNumberByte,
  literalOf,
  openBrace,
  openBracket,
  quote,
  skipWhitespace,
  stringEnd,
} from './json-cursor.ts';
import type { Pieces } from './pieces.ts';
import { readString } from './read-value.ts';
import { type Member, type ScanOptions, type ScanResult, scanTopLevel } from './scan-object.ts';

/** What may come next outside of strings, numbers and literals. */
type Expected = 'object' | 'key or end' | 'key' | 'colon' | 'value or end' | 'value' | 'comma or end' | 'nothing';

/**
 * {@link scanTopLevel} for all members of a body in several pieces. Only a body that is not one sound object is joined,
 * to say what is wrong with it.
 */
export function scanPieces(pieces: Pieces, options: ScanOptions = {}): ScanResult {
  if (pieces.list.length > 1) {
    const scan = new PiecewiseScan(pieces, options.maxDepth ?? defaultMaxDepth);
    if (scan.run())
      return { members: scan.members, complete: true, problem: undefined, at: pieces.length, depth: scan.deepest };
  }
  return scanTopLevel(pieces.join(), 'all', options);
}

/** Goes over the pieces once. A string, number or literal may begin in one and end in another. */
class PiecewiseScan {
  readonly members = new Map<string, Member>();
  deepest = 0;
  readonly #pieces: Pieces;
  readonly #maxDepth: number;
  /** The closing bracket of every open container. */
  readonly #closers: Uint8Array;
  #depth = 0;
  #expected: Expected = 'object';
  #token: 'string' | 'number' | 'literal' | undefined;
  /** Of a string: the piece before ended in a backslash that escapes what comes. */
  #escapes = false;
  /** Of `true`, `false` and `null`: which it is and how much of it has come. */
  #literal: Buffer | undefined;
  #literalBytes = 0;
  /** Where the piece at hand begins. */
  #offset = 0;
  /** Of the member of the top-level object at hand; a name that JSON does not allow is undefined. */
  #keyStart = 0;
  #name: string | undefined;
  #valueStart = 0;

  constructor(pieces: Pieces, maxDepth: number) {
    this.#pieces = pieces;
    this.#maxDepth = maxDepth;
    this.#closers = new Uint8Array(maxDepth + 1);
  }

  /** False if the bytes are anything but one object that nests no deeper than allowed. */
  run(): boolean {
    for (const piece of this.#pieces.list) {
      let at = 0;
      while (at >= 0 && at < piece.length)
        at = this.#token === undefined ? this.#structure(piece, at) : this.#rest(piece, at);
      if (at < 0) return false;
      this.#offset += piece.length;
    }
    return this.#expected === 'nothing' && this.#token === undefined;
  }

  /** Takes the next byte outside of a token and says where to go on; -1 for one that may not stand there. */
  #structure(piece: Buffer, from: number): number {
    const at = skipWhitespace(piece, from);
    if (at === piece.length) return at;
    const byte = piece[at]!;
    switch (this.#expected) {
      case 'object':
        return byte === openBrace ? this.#open(byte, at) : -1;
      case 'key or end':
        if (byte === closeBrace) return this.#close(at);
        return this.#key(byte, at);
      case 'key':
        return this.#key(byte, at);
      case 'colon':
        this.#expected = 'value';
        return byte === colon ? at + 1 : -1;
      case 'value or end':
        return byte === closeBracket ? this.#close(at) : this.#value(byte, at);
      case 'value':
        return this.#value(byte, at);
      case 'comma or end': {
        const closer = this.#closers[this.#depth];
        if (byte === closer) return this.#close(at);
        this.#expected = closer === closeBrace ? 'key' : 'value';
        return byte === comma ? at + 1 : -1;
      }
      case 'nothing':
        return -1;
    }
  }

  #key(byte: number, at: number): number {
    if (byte !== quote) return -1;
    if (this.#depth === 1) this.#keyStart = this.#offset + at;
    this.#expected = 'colon';
    this.#token = 'string';
    return at + 1;
  }

  #value(byte: number, at: number): number {
    if (this.#depth === 1) this.#valueStart = this.#offset + at;
    if (byte === openBrace || byte === openBracket) return this.#open(byte, at);
    this.#expected = 'comma or end';
    if (byte === quote) {
      this.#token = 'string';
      return at + 1;
    }
    if (isNumberByte(byte)) {
      this.#token = 'number';
      return at + 1;
    }
    this.#literal = literalOf(byte);
    this.#literalBytes = 0;
    this.#token = 'literal';
    return this.#literal === undefined ? -1 : at;
  }

  #open(bracket: number, at: number): number {
    if (++this.#depth > this.#maxDepth) return -1;
    this.deepest = Math.max(this.deepest, this.#depth);
    this.#closers[this.#depth] = bracket + 2;
    this.#expected = bracket === openBrace ? 'key or end' : 'value or end';
    return at + 1;
  }

  #close(at: number): number {
    this.#depth--;
    this.#expected = this.#depth === 0 ? 'nothing' : 'comma or end';
    return this.#ended(at + 1);
  }

  /** A value ends here, behind its last byte. */
  #ended(at: number): number {
    const name = this.#name;
    if (this.#depth !== 1 || name === undefined) return at;
    const { members } = this;
    const earlier = members.get(name);
    members.set(name, { keyStart: this.#keyStart, start: this.#valueStart, end: this.#offset + at, earlier });
    return at;
  }

  /** What of the token at hand is in this piece. */
  #rest(piece: Buffer, from: number): number {
    if (this.#token === 'string') return this.#string(piece, from);
    if (this.#token === 'number') {
      let at = from;
      while (isNumberByte(piece[at])) at++;
      if (at === piece.length) return at;
      this.#token = undefined;
      return this.#ended(at);
    }
    const literal = this.#literal!;
    let at = from;
    for (; at < piece.length && this.#literalBytes < literal.length; at++)
      if (piece[at] !== literal[this.#literalBytes++]) return -1;
    if (this.#literalBytes < literal.length) return at;
    this.#token = undefined;
    return this.#ended(at);
  }

  #string(piece: Buffer, from: number): number {
    const start = from + Number(this.#escapes);
    this.#escapes = false;
    const end = stringEnd(piece, start);
    if (end < 0) {
      let slashes = 0;
      while (piece.length - slashes > start && piece[piece.length - 1 - slashes] === backslash) slashes++;
      this.#escapes = slashes % 2 === 1;
      return piece.length;
    }
    this.#token = undefined;
    if (this.#expected === 'colon') {
      if (this.#depth === 1) this.#name = this.#nameBefore(piece, end);
      return end;
    }
    return this.#ended(end);
  }

  /** The key that ends here; only one that is cut has to be put together. */
  #nameBefore(piece: Buffer, end: number): string | undefined {
    const start = this.#keyStart - this.#offset;
    if (start >= 0) return readString(piece, { start, end });
    return readString(this.#pieces.slice({ start: this.#keyStart, end: this.#offset + end }));
  }
}

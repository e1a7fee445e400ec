import type { Range } from './json-cursor.ts';
import { searchFor } from './search-for.ts';
import { type Edit, inOrder, splice } from './splice.ts';

/** Text to search is made of so many bytes at a time, which the processor's cache holds. */
const windowBytes = 65_536;

/** Pieces smaller than this on average are joined: then handling each costs more than the copy. */
const worthKeepingBytes = 16_384;

/** Bytes as they came off a socket, in one piece or several: joining a large body costs more than all else done with it. */
export class Pieces {
  #list: readonly Buffer[];
  readonly length: number;

  constructor(list: readonly Buffer[]) {
    this.#list = list;
    this.length = list.reduce((sum, { length }) => sum + length, 0);
  }

  /** The pieces of a body that has come whole; joined where they are many and small. */
  static received(list: readonly Buffer[]): Pieces {
    const pieces = new Pieces(list);
    if (pieces.length < list.length * worthKeepingBytes) pieces.join();
    return pieces;
  }

  get list(): readonly Buffer[] {
    return this.#list;
  }

  /** All of it in one buffer, which is its only piece from then on. */
  join(): Buffer {
    if (this.#list.length !== 1) this.#list = [Buffer.concat(this.#list, this.length)];
    return this.#list[0]!;
  }

  /** A view where the range lies in one piece, else a copy. */
  slice({ start, end }: Range): Buffer {
    const views: Buffer[] = [];
    this.#addViews(start, end, views);
    return views.length === 1 ? views[0]! : Buffer.concat(views);
  }

  /** These bytes with ranges replaced. Of several pieces nothing is copied. Throws GatewayError BUG if the ranges overlap. */
  splice(edits: readonly Edit[]): Pieces {
    if (this.#list.length === 1) return new Pieces([splice(this.#list[0]!, edits)]);
    const list: Buffer[] = [];
    let at = 0;
    for (const { start, end, text } of inOrder(edits, this.length)) {
      this.#addViews(at, start, list);
      list.push(Buffer.from(text));
      at = end;
    }
    this.#addViews(at, this.length, list);
    return new Pieces(list);
  }

  /** Whether one of these words, which are ASCII, stands somewhere in the bytes. */
  mention(words: readonly string[]): boolean {
    const search = searchFor(words);
    if (this.#list.length === 1 && this.length <= windowBytes) return search.test(this.#list[0]!.toString('latin1'));
    const overlap = Math.max(...words.map(({ length }) => length)) - 1;
    let before = '';
    for (const piece of this.#list) {
      for (let at = 0; at < piece.length; at += windowBytes) {
        const text = piece.toString('latin1', at, at + windowBytes);
        if (search.test(text) || search.test(before + text.slice(0, overlap))) return true;
        before = (text.length < overlap ? before + text : text).slice(-overlap);
      }
    }
    return false;
  }

  #addViews(start: number, end: number, views: Buffer[]): void {
    let offset = 0;
    for (const piece of this.#list) {
      if (offset >= end) return;
      const from = Math.max(start - offset, 0);
      const to = Math.min(end - offset, piece.length);
      if (from < to) views.push(from === 0 && to === piece.length ? piece : piece.subarray(from, to));
      offset += piece.length;
    }
  }
}

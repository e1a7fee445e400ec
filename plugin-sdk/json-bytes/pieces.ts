import type { Range } from './json-cursor.ts';
import { searchFor } from './search-for.ts';
import { type Edit, inOrder, splice } from './splice.ts';

/** Text to search is made of so many bytes at a time, which the processor's cache holds. */
const windowBytes = 65_536;

/** Bytes as they came off a socket, in one piece or several: joining a large body costs more than all else done with it. */
export class Pieces {
  #list: readonly Buffer[];
  readonly length: number;

  constructor(list: readonly Buffer[]) {
    this.#list = list;
    this.length = list.reduce((sum, { length }) => sum + length, 0);
  }

  get list(): readonly Buffer[] {
    return this.#list;
  }

  /** All of it in one buffer, joined once. */
  get joined(): Buffer {
    if (this.#list.length !== 1) this.#list = [Buffer.concat(this.#list, this.length)];
    return this.#list[0]!;
  }

  /** A view where the range lies in one piece, else a copy. */
  slice({ start, end }: Range): Buffer {
    const views = this.#views(start, end);
    return views.length === 1 ? views[0]! : Buffer.concat(views);
  }

  /** These bytes with ranges replaced. Of several pieces nothing is copied. Throws GatewayError BUG if the ranges overlap. */
  splice(edits: readonly Edit[]): Pieces {
    if (this.#list.length === 1) return new Pieces([splice(this.#list[0]!, edits)]);
    const list: Buffer[] = [];
    let at = 0;
    for (const { start, end, text } of inOrder(edits, this.length)) {
      list.push(...this.#views(at, start), Buffer.from(text));
      at = end;
    }
    list.push(...this.#views(at, this.length));
    return new Pieces(list);
  }

  /** Whether one of these words, which are ASCII, stands somewhere in the bytes. */
  mention(words: readonly string[]): boolean {
    const search = searchFor(words);
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

  #views(start: number, end: number): Buffer[] {
    const views: Buffer[] = [];
    let offset = 0;
    for (const piece of this.#list) {
      const from = Math.max(start - offset, 0);
      const to = Math.min(end - offset, piece.length);
      if (from < to) views.push(from === 0 && to === piece.length ? piece : piece.subarray(from, to));
      offset += piece.length;
    }
    return views;
  }
}

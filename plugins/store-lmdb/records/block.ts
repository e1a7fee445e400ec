import type { RecordDimension } from '../../../plugin-sdk/ports/records.ts';

/**
 * Records for searching, as columns: 512 to a block, so that a filter or a sum over a million records reads some
 * 90 MB straight through and decodes nothing. Texts are numbers of the word list. Blocks fill in the order of appending;
 * their rows are only nearly in order of time.
 */
export const rowsPerBlock = 512;

/** Dimensions that are texts, each a column of word numbers. */
export const wordColumns = [
  'provider',
  'model',
  'clientModel',
  'key',
  'caller',
  'team',
  'customer',
  'operation',
  'dialect',
  'error',
  'finish',
  'origin',
  'cache',
] as const satisfies readonly RecordDimension[];
export type WordColumn = (typeof wordColumns)[number];

export const flags = { kept: 1, stream: 2, clientGone: 4, usage: 8, content: 16 } as const;

/** In the `cost` column: a call whose price is not known is NaN, and one that was not charged is this. */
export const noCost = -1;

const headBytes = 32;
const f64 = rowsPerBlock * 8;
const x32 = rowsPerBlock * 4;
const u16 = rowsPerBlock * 2;

/** Bytes of a block in the store. */
export const blockBytes = headBytes + 2 * f64 + (5 + wordColumns.length) * x32 + u16 + rowsPerBlock;

/** Views on one block's bytes. Made once and filled again for each block that is read. */
export class Block {
  readonly bytes = new Uint8Array(new ArrayBuffer(blockBytes));
  /** [rows, lowest time, highest time, bytes of rows and contents]. */
  readonly #head: Float64Array;
  readonly time: Float64Array;
  readonly cost: Float64Array;
  readonly duration: Float32Array;
  /** NaN when there was no content. */
  readonly firstContent: Float32Array;
  readonly input: Uint32Array;
  readonly output: Uint32Array;
  readonly cached: Uint32Array;
  readonly words: Readonly<Record<WordColumn, Uint32Array>>;
  readonly status: Uint16Array;
  readonly flags: Uint8Array;

  constructor() {
    const buffer = this.bytes.buffer;
    let at = 0;
    const next = (bytes: number): number => {
      const start = at;
      at += bytes;
      return start;
    };
    this.#head = new Float64Array(buffer, next(headBytes), 4);
    this.time = new Float64Array(buffer, next(f64), rowsPerBlock);
    this.cost = new Float64Array(buffer, next(f64), rowsPerBlock);
    this.duration = new Float32Array(buffer, next(x32), rowsPerBlock);
    this.firstContent = new Float32Array(buffer, next(x32), rowsPerBlock);
    this.input = new Uint32Array(buffer, next(x32), rowsPerBlock);
    this.output = new Uint32Array(buffer, next(x32), rowsPerBlock);
    this.cached = new Uint32Array(buffer, next(x32), rowsPerBlock);
    this.words = Object.fromEntries(
      wordColumns.map((name) => [name, new Uint32Array(buffer, next(x32), rowsPerBlock)]),
    ) as Record<WordColumn, Uint32Array>;
    this.status = new Uint16Array(buffer, next(u16), rowsPerBlock);
    this.flags = new Uint8Array(buffer, next(rowsPerBlock), rowsPerBlock);
  }

  /** Takes over a stored block, perhaps in a larger buffer that is used again; an absent one is empty. */
  load(stored: Uint8Array | undefined): void {
    if (stored === undefined || stored.length !== blockBytes) this.bytes.fill(0);
    else this.bytes.set(stored.subarray(0, blockBytes));
  }

  get head(): BlockHead {
    return { rows: this.#head[0]!, from: this.#head[1]!, to: this.#head[2]!, bytes: this.#head[3]! };
  }

  /** By its status, or after the head was sent: then only the error tells, and that a client left is none. */
  isFailed(place: number): boolean {
    if (this.status[place]! >= 400) return true;
    return this.words.error[place] !== 0 && (this.flags[place]! & flags.clientGone) === 0;
  }

  /** Counts one more row, at the next place. */
  grow(time: number, bytes: number): void {
    const head = this.#head;
    head[1] = head[0] === 0 ? time : Math.min(head[1]!, time);
    head[2] = head[0] === 0 ? time : Math.max(head[2]!, time);
    head[0]! += 1;
    head[3]! += bytes;
  }

  /** After rows went: what is left decides the times. */
  shrink(bytes: number): void {
    const head = this.#head;
    let from = Number.POSITIVE_INFINITY;
    for (let i = 0; i < head[0]!; i++) if ((this.flags[i]! & flags.kept) !== 0) from = Math.min(from, this.time[i]!);
    head[1] = from;
    head[3] = Math.max(0, head[3]! - bytes);
  }
}

/** The little that says whether a block is worth reading. */
export interface BlockHead {
  /** Places taken, of removed rows too. */
  readonly rows: number;
  /** Lowest and highest time among them. */
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

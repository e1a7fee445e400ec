import { defaultMaxEventBytes } from './framer.ts';
import { HeldBytes } from './held-bytes.ts';

const lineFeed = 10;
const carriageReturn = 13;

/**
 * Finds how far a carried SSE stream may be passed on now: up to the last blank line, in any style of newline. So
 * bytes of the gateway's own (a keep-alive, an error event) never land inside an event. Nothing is decoded or changed.
 */
export class EventBoundary {
  readonly #maxEventBytes: number;
  readonly #held = new HeldBytes();
  /** The last byte seen; a stream starts as if after a line. */
  #previous = lineFeed;
  #torn = false;

  constructor(maxEventBytes: number = defaultMaxEventBytes) {
    this.#maxEventBytes = maxEventBytes;
  }

  /**
   * True while what was given out ends inside an event: it outgrew `maxEventBytes` and is passed on as it comes.
   * Until that event's end arrives nothing may be written in between.
   */
  get torn(): boolean {
    return this.#torn;
  }

  /** All bytes that can be passed on now, or undefined. May return the chunk itself. */
  push(chunk: Buffer): Buffer | undefined {
    const { length } = chunk;
    if (length === 0) return undefined;
    const held = this.#held;
    const previous = this.#previous;
    this.#previous = chunk[length - 1]!;
    if (held.length === 0 && length > 1 && this.#previous === lineFeed && chunk[length - 2] === lineFeed) {
      this.#torn = false;
      return chunk;
    }

    let end = lastBoundary(chunk, previous);
    if (end === 0 && held.length === 0 && !this.#torn && previous === carriageReturn && chunk[0] === lineFeed) end = 1;
    const rest = end > 0 ? length - end : held.length + length;
    if (rest > this.#maxEventBytes || (this.#torn && end === 0)) {
      this.#torn = true;
      end = length;
    } else {
      if (end === 0) {
        held.append(chunk, 0, length);
        return undefined;
      }
      this.#torn = false;
    }
    const ready = held.length > 0 ? held.release(chunk, 0, end) : end === length ? chunk : chunk.subarray(0, end);
    if (end < length) held.append(chunk, end, length);
    return ready;
  }

  /** What is held back: the start of an event that never ended, if the stream is over. */
  tail(): Buffer {
    return this.#held.bytes.subarray(0, this.#held.length);
  }
}

/** Where the last blank line of the chunk ends, or 0. A line is blank when a newline directly follows another. */
function lastBoundary(chunk: Buffer, previous: number): number {
  let lf = chunk.lastIndexOf(lineFeed);
  let cr = chunk.lastIndexOf(carriageReturn);
  while (lf !== -1 || cr !== -1) {
    const at = Math.max(lf, cr);
    const before = at === 0 ? previous : chunk[at - 1];
    if (before === lineFeed || (before === carriageReturn && at === cr)) {
      return at === cr && chunk[at + 1] === lineFeed ? at + 2 : at + 1;
    }
    if (at === 0) return 0;
    if (at === lf) lf = chunk.lastIndexOf(lineFeed, at - 1);
    else cr = chunk.lastIndexOf(carriageReturn, at - 1);
  }
  return 0;
}

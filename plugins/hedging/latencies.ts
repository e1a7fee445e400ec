const size = 256;
/** The estimate is worked out anew after so many calls. */
const renewAfter = 16;

/** The latest latencies of one target, and from when on a call counts as slow. */
export class Latencies {
  readonly #percentile: number;
  readonly #ring = new Float64Array(size);
  #count = 0;
  #slow = Number.POSITIVE_INFINITY;

  constructor(percentile: number) {
    this.#percentile = percentile;
  }

  /** Calls measured so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Milliseconds: the percentile, between one and a half and two and a half medians. Beneath, calls that are merely not the
   * fastest would be hedged; above, a slow mode that has reached the percentile would hide itself.
   */
  get slow(): number {
    return this.#slow;
  }

  add(ms: number): void {
    this.#ring[this.#count % size] = ms;
    this.#count += 1;
    if (this.#count > renewAfter && this.#count % renewAfter !== 0 && Number.isFinite(this.#slow)) return;
    const sorted = this.#ring.slice(0, Math.min(this.#count, size)).sort();
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))]!;
    const median = at(0.5);
    this.#slow = Math.min(Math.max(at(this.#percentile), 1.5 * median), 2.5 * median);
  }
}

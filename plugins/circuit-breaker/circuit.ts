export interface CircuitOptions {
  /** Share of failed calls, 0 to 1, from which the circuit opens. */
  readonly failureShare: number;
  /** Calls in the window without which nothing is concluded. */
  readonly minimumCalls: number;
  readonly windowMs: number;
  /** How long it stays open at first; doubles as long as probes fail. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

const slices = 10;

/**
 * Watches the calls of one target. Closed: calls pass and are counted. Open: none pass. Half-open, once the time is over:
 * one call passes as a probe; its success closes the circuit, its failure opens it for twice as long. All times are
 * milliseconds, monotonic.
 */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #good = new Float64Array(slices);
  readonly #bad = new Float64Array(slices);
  #slice = 0;
  #openUntil = 0;
  #openings = 0;
  #probing = false;

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  /** Until when no call passes; 0 when calls pass. */
  get openUntil(): number {
    return this.#openings === 0 ? 0 : this.#openUntil;
  }

  stateAt(now: number): 'closed' | 'open' | 'half-open' {
    if (this.#openings === 0) return 'closed';
    return now < this.#openUntil ? 'open' : 'half-open';
  }

  /** How a call at `now` may pass. Whoever gets `probe` must report its end. */
  admit(now: number): 'pass' | 'probe' | 'refuse' {
    if (this.#openings === 0) return 'pass';
    if (now < this.#openUntil || this.#probing) return 'refuse';
    this.#probing = true;
    return 'probe';
  }

  /** A call ended; `undefined` when it says nothing (the client left). True when this opened the circuit. */
  report(good: boolean | undefined, now: number, admitted: 'pass' | 'probe'): boolean {
    if (admitted === 'probe') {
      this.#probing = false;
      if (good === true) this.#close();
      else if (good === false) this.#open(now);
      return good === false;
    }
    // Calls that were under way when it opened are late news.
    if (good === undefined || this.#openings > 0) return false;
    this.#turn(now);
    const counts = good ? this.#good : this.#bad;
    counts[this.#slice % slices]! += 1;
    if (good) return false;
    const failed = sum(this.#bad);
    const calls = failed + sum(this.#good);
    if (calls < this.#options.minimumCalls || failed / calls < this.#options.failureShare) return false;
    this.#open(now);
    return true;
  }

  #open(now: number): void {
    const { openMs, maxOpenMs } = this.#options;
    this.#openUntil = now + Math.min(openMs * 2 ** this.#openings, maxOpenMs);
    this.#openings = Math.min(this.#openings + 1, 20);
  }

  #close(): void {
    this.#openings = 0;
    this.#good.fill(0);
    this.#bad.fill(0);
  }

  /** Empties the slices of time that have passed since the last call. */
  #turn(now: number): void {
    const slice = Math.floor(now / (this.#options.windowMs / slices));
    const passed = Math.min(slice - this.#slice, slices);
    for (let i = 0; i < passed; i++) {
      this.#good[(slice - i) % slices] = 0;
      this.#bad[(slice - i) % slices] = 0;
    }
    this.#slice = slice;
  }
}

function sum(counts: Float64Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

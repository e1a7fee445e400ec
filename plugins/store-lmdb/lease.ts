/** Draws after which a lease that nobody took from is given back. */
const idleDraws = 2;

/** A reservation on one account for calls that are still to come. */
export interface Leased {
  readonly id: string;
  readonly key: string;
  readonly amount: number;
  /** Milliseconds since 1970: what is reserved later belongs to another bucket of the account's window. */
  readonly bucketEnd: number;
}

/** Takes from a lease what calls have used, and what they will not need. */
export interface Draw {
  readonly id: string;
  readonly used: number;
  /** Negative when more was used than the lease had left. */
  readonly unused: number;
  /** Nothing of the lease is open any more. */
  readonly isLast: boolean;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/**
 * What a process has reserved ahead on one account. In the store it holds `free`, what is open locally and what is
 * `spent` but not yet written.
 */
export class Lease {
  /** Of the account's counter; see {@link counterKey}. */
  readonly key: string;
  readonly #id: string;
  readonly #bucketEnd: number;
  #until: number;
  #free: number;
  #spent = 0;
  #open = 0;
  /** Draws since it was last taken from. */
  #idle = 0;
  #hasEnded = false;

  constructor({ id, key, amount, bucketEnd }: Leased, until: number) {
    this.key = key;
    this.#id = id;
    this.#free = amount;
    this.#bucketEnd = bucketEnd;
    this.#until = until;
  }

  /** Whether a call at `now` may take `amount`. */
  has(amount: number, now: number): boolean {
    return !this.#hasEnded && amount <= this.#free && now < this.#bucketEnd && now < this.#until;
  }

  /** Takes for one call that lasts until `until`. False when there is too little; the lease stays, for smaller calls. */
  take(amount: number, now: number, until: number): boolean {
    if (!this.has(amount, now)) return false;
    this.#free -= amount;
    this.#open++;
    this.#idle = 0;
    // The store hears of it with the next draw, long before the time is over.
    if (until > this.#until) this.#until = until;
    return true;
  }

  /** A call is over: `rest` of what it took is free again (less than nothing if it used more), `spent` was used. */
  close(rest: number, spent: number): void {
    this.#free += rest;
    this.#spent += spent;
    this.#open--;
    if (this.#free < 0) this.end();
  }

  /** Gives the id of what to extend in the store. */
  extend(until: number): string {
    this.#until = Math.max(until, this.#until);
    return this.#id;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Nothing is taken any more. */
  end(): void {
    this.#hasEnded = true;
  }

  /** Whether there is something to write. One that nobody took from for a while ends here. */
  isDue(): boolean {
    if (++this.#idle > idleDraws) this.end();
    return this.#spent !== 0 || (this.#hasEnded && (this.#free !== 0 || this.#open === 0));
  }

  nextDraw(): Draw {
    return {
      id: this.#id,
      used: this.#spent,
      unused: this.#hasEnded ? this.#free : 0,
      isLast: this.#hasEnded && this.#open === 0,
      until: this.#until,
    };
  }

  /** The last draw was written. True when the lease is no more. */
  drawn(): boolean {
    this.#spent = 0;
    if (!this.#hasEnded) return false;
    this.#free = 0;
    return this.#open === 0;
  }

  /** Writes one call's use at once and apart from the rest. */
  drawFor(used: number): Draw {
    return { id: this.#id, used, unused: 0, isLast: false, until: this.#until };
  }
}

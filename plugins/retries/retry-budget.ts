/** Retries that may be made at once before calls have earned any. */
const burst = 10;

/**
 * Keeps retries a share of the calls, so that they do not multiply the load of a provider that is down. Every call earns
 * a part of a retry, every retry spends a whole one.
 */
export class RetryBudget {
  readonly #share: number;
  #left = burst;

  constructor(share: number) {
    this.#share = share;
  }

  get isLeft(): boolean {
    return this.#share >= 1 || this.#left >= 1;
  }

  earn(): void {
    this.#left = Math.min(this.#left + this.#share, burst);
  }

  spend(): void {
    this.#left = Math.max(0, this.#left - 1);
  }
}

import type { Clock } from '../../plugin-sdk/index.ts';

/**
 * Notices time that nobody lived through: a clock that was set forward, a machine that slept, a process that was stopped.
 * Leases end in it although their runs go on, and whoever takes those jobs runs them twice. So nothing is taken until
 * everyone has had time to renew.
 */
export class MissedTime {
  readonly #clock: Clock;
  readonly #mostMs: number;
  readonly #pauseMs: number;
  #lookedAt: number;
  #pausedUntil = 0;

  /** Looks are at most `pollMs` apart. Leases last `leaseMs` and are renewed each tenth of that. */
  constructor(clock: Clock, pollMs: number, leaseMs: number) {
    this.#clock = clock;
    this.#mostMs = pollMs + leaseMs / 2;
    this.#pauseMs = leaseMs / 5;
    this.#lookedAt = clock.now();
  }

  /** To be called at each look. True as long as leases may not have been renewed yet. */
  isRecent(): boolean {
    const now = this.#clock.now();
    const passed = this.#clock.monotonic();
    if (now - this.#lookedAt > this.#mostMs) this.#pausedUntil = passed + this.#pauseMs;
    this.#lookedAt = now;
    return passed < this.#pausedUntil;
  }
}

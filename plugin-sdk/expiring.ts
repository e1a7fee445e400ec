import type { Clock } from './host.ts';
import type { MaybePromise } from './maybe.ts';

/** A thing that is valid for a while, such as an access token. */
export interface Dated<T> {
  readonly value: T;
  /** Milliseconds since 1970; `Infinity` when it does not end. */
  readonly expiresAt: number;
}

/** From this long before its end a thing is renewed in the background, and from that long before it is no longer used. */
const renewBeforeMs = 300_000;
const unusableBeforeMs = 10_000;

/**
 * Fetches a thing that expires once for all who need it: before it ends a new one is fetched in the background, so that
 * calls wait only for the first. A failed fetch is not kept.
 */
export class Expiring<T> {
  readonly #clock: Clock;
  readonly #fetch: () => Promise<Dated<T>>;
  #held: Dated<T> | undefined = undefined;
  #fetching: Promise<T> | undefined = undefined;

  constructor(clock: Clock, fetch: () => Promise<Dated<T>>) {
    this.#clock = clock;
    this.#fetch = fetch;
  }

  get(): MaybePromise<T> {
    const left = (this.#held?.expiresAt ?? 0) - this.#clock.now();
    if (left <= unusableBeforeMs) return this.#renew();
    // A renewal that fails is tried again by the next call, as long as the old one lasts.
    if (left <= renewBeforeMs) this.#renew().catch(() => {});
    return this.#held!.value;
  }

  /** Forgets what is held; true when something was. */
  drop(): boolean {
    const held = this.#held !== undefined;
    this.#held = undefined;
    return held;
  }

  #renew(): Promise<T> {
    this.#fetching ??= this.#fetch()
      .then((dated) => {
        this.#held = dated;
        return dated.value;
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }
}

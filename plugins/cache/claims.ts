import type { Clock } from '../../plugin-sdk/index.ts';
import type { CacheEntry, CacheStore } from '../../plugin-sdk/ports/cache.ts';

const lookEveryMs = 10;

/** Identical requests in flight at several processes: one process makes the call, the others wait for what it stores. */
export class Claims {
  readonly #store: CacheStore;
  readonly #clock: Clock;
  readonly #waitMs: number;

  constructor(store: CacheStore, clock: Clock, waitMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /** False when this process has the store to itself. */
  get needed(): boolean {
    return this.#store.shared;
  }

  /**
   * `claimed`: this process is to fill the entry, and says {@link release} when it is done. An entry: another process has
   * filled it. Nothing: the other one failed, died or took too long, or `left` says that nobody waits any more.
   */
  async take(scope: string, key: string, left: () => boolean): Promise<CacheEntry | 'claimed' | undefined> {
    if (await this.#store.claim(scope, key, this.#waitMs)) {
      // Between this process's look-up and its claim another one may have been through with it.
      const entry = await this.#store.get(scope, key);
      if (entry === undefined) return 'claimed';
      await this.release(scope, key);
      return entry;
    }
    const end = this.#clock.monotonic() + this.#waitMs;
    while (!left() && this.#clock.monotonic() < end && (await this.#store.isClaimed(scope, key))) {
      await new Promise<void>((resolve) => this.#clock.after(lookEveryMs, resolve));
    }
    return this.#store.get(scope, key);
  }

  async release(scope: string, key: string): Promise<void> {
    try {
      await this.#store.release(scope, key);
    } catch {
      // Then it ends with its time.
    }
  }
}

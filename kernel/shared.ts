import type { MaybePromise } from '../plugin-sdk/index.ts';

interface Entry {
  readonly value: unknown;
  readonly close: (value: never) => MaybePromise<void>;
  users: number;
}

/**
 * Things that outlive a reload (a database, a connection pool), counted by the generations that use them. Kept beside the
 * generations, so that a new one takes over what the old one has open.
 */
export class SharedThings {
  readonly #entries = new Map<string, Entry>();

  use<T>(key: string, create: () => T, close: (value: T) => MaybePromise<void>): T {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { value: create(), close: close as Entry['close'], users: 0 };
      this.#entries.set(key, entry);
    }
    entry.users += 1;
    return entry.value as T;
  }

  /** One that does not close keeps the others from nothing. */
  async releaseAll(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#release(key)));
  }

  async #release(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#entries.delete(key);
    await entry.close(entry.value as never);
  }
}

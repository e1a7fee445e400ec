import type { KeyHealth, KeyState } from '../plugin-sdk/index.ts';

/** Key states in this process's memory; an entry a configured key, so it stays small. */
export class MemoryKeyHealth implements KeyHealth {
  readonly #states = new Map<string, Map<string, KeyState>>();

  get(provider: string, key: string): KeyState | undefined {
    return this.#states.get(provider)?.get(key);
  }

  set(provider: string, key: string, state: KeyState): void {
    let keys = this.#states.get(provider);
    if (keys === undefined) this.#states.set(provider, (keys = new Map()));
    keys.set(key, state);
  }

  *entries(): Iterable<{ readonly provider: string; readonly key: string; readonly state: KeyState }> {
    for (const [provider, keys] of this.#states) for (const [key, state] of keys) yield { provider, key, state };
  }
}

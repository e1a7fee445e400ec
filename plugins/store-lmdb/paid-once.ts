import type { Database } from 'lmdb';
import { type Environment, openDatabase } from './open-shared.ts';
import { timeKey } from './time-key.ts';

/** Names of what was charged once. Every method belongs inside a write transaction. */
export class PaidOnce {
  /** By name, and by time and name for forgetting. */
  readonly #names: Database<true, ['name' | 'time', ...string[]]>;

  constructor(environment: Environment) {
    this.#names = openDatabase(environment, 'once', { encoding: 'msgpack' });
  }

  /** True the first time that it is asked for a name. */
  isFirst(name: string, now: number): boolean {
    if (this.#names.doesExist(['name', name])) return false;
    this.#names.put(['name', name], true);
    this.#names.put(['time', timeKey(now), name], true);
    return true;
  }

  /** Forgets the names from before a time. */
  forget(before: number): void {
    for (const key of [...this.#names.getKeys({ start: ['time'], end: ['time', timeKey(before)] })]) {
      this.#names.remove(key);
      this.#names.remove(['name', key[2]!]);
    }
  }
}

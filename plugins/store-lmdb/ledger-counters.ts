import type { Database } from 'lmdb';
import type { Account } from '../../plugin-sdk/ports/ledger.ts';
import { accountOfKey, LedgerCounter } from './ledger-counter.ts';
import { type Environment, openDatabase } from './open-shared.ts';

const maxCached = 20_000;

/** The counters as they are stored. Load and store belong inside one transaction. */
export class LedgerCounters {
  readonly #stored: Database<Buffer, Buffer>;
  readonly #byAccount = new WeakMap<Account, LedgerCounter>();
  readonly #byKey = new Map<string, LedgerCounter>();

  constructor(environment: Environment) {
    this.#stored = openDatabase(environment, 'counters', { encoding: 'binary', keyEncoding: 'binary' });
  }

  /** As it was last loaded or changed. */
  of(account: Account): LedgerCounter {
    let counter = this.#byAccount.get(account);
    if (counter === undefined) {
      counter = new LedgerCounter(account);
      this.#byAccount.set(account, counter);
    }
    return counter;
  }

  /** As it is stored, its window moved on to `now`. */
  load(account: Account, now: number): LedgerCounter {
    return this.#read(this.of(account), now);
  }

  /** As it is stored, the window where it was. */
  loadKey(key: string): LedgerCounter {
    let counter = this.#byKey.get(key);
    if (counter === undefined) {
      counter = new LedgerCounter(accountOfKey(key));
      if (this.#byKey.size >= maxCached) this.#byKey.clear();
      this.#byKey.set(key, counter);
    }
    return this.#read(counter, undefined);
  }

  store(counter: LedgerCounter): void {
    this.#stored.put(counter.keyBytes, counter.bytes);
  }

  #read(counter: LedgerCounter, now: number | undefined): LedgerCounter {
    counter.load(this.#stored.getBinaryFast(counter.keyBytes), now);
    return counter;
  }
}

import { randomBytes } from 'node:crypto';
import type { Database, RootDatabase } from 'lmdb';
import { GatewayError } from '../../plugin-sdk/errors.ts';
import type { Clock } from '../../plugin-sdk/host.ts';
import type {
  Account,
  AccountUsage,
  Actual,
  Ledger,
  Line,
  Refused,
  Reservation,
  Unit,
} from '../../plugin-sdk/ports/ledger.ts';
import { accountOfKey, LedgerCounter } from './ledger-counter.ts';

/** What an open reservation holds at one counter. */
type Hold = readonly [counterKey: string, unit: Unit, amount: number, bucket: number];

interface OpenReservation {
  /** Milliseconds since 1970. */
  until: number;
  holds: Hold[];
}

/** So that keys sort by time: nine base-36 digits last until the year 5188. */
function timeKey(time: number): string {
  return Math.max(0, Math.floor(time)).toString(36).padStart(9, '0');
}

const sweepEveryMs = 5_000;
const sweepWhenRefusedMs = 100;
/** How long a late settlement of an expired reservation is still charged, and what was to be charged once is remembered. */
const expiredKeptMs = 7 * 86_400_000;
const maxCachedCounters = 20_000;
/** Time until settlements that could not be written are tried again, and how many are kept until then. */
const againMs = 1_000;
const maxWaiting = 10_000;

interface Settlement {
  readonly id: string;
  readonly actual: Actual;
  readonly once: string | undefined;
}

/**
 * The ledger as synchronous LMDB transactions: one writer at a time over all processes of the machine, a few
 * microseconds each, so that check and reservation cannot come apart.
 *
 * Keys of reservations start with their first `until`, so that a sweep reads only what may have expired.
 */
export class LmdbLedger implements Ledger {
  readonly #environment: RootDatabase;
  readonly #counters: Database<Buffer, Buffer>;
  readonly #open: Database<OpenReservation, string>;
  readonly #expired: Database<OpenReservation, string>;
  /** What was charged once: by its name, and by time and name for the sweep. */
  readonly #once: Database<true, ['name' | 'time', ...string[]]>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #byAccount = new WeakMap<Account, LedgerCounter>();
  readonly #byKey = new Map<string, LedgerCounter>();
  readonly #process = randomBytes(9).toString('base64url');
  #count = 0;
  #sweptAt = 0;
  /** Settlements that the next transaction makes first. */
  #waiting: Settlement[] = [];

  constructor(environment: RootDatabase, clock: Pick<Clock, 'now'>) {
    this.#environment = environment;
    this.#clock = clock;
    this.#counters = environment.openDB('counters', { encoding: 'binary', keyEncoding: 'binary' });
    this.#open = environment.openDB('reservations', { encoding: 'msgpack' });
    this.#expired = environment.openDB('expired', { encoding: 'msgpack' });
    this.#once = environment.openDB('once', { encoding: 'msgpack' });
  }

  reserve(lines: readonly Line[], until: number): Reservation {
    const now = this.#clock.now();
    return this.#atomically(() => {
      if (now - this.#sweptAt >= sweepEveryMs) this.#sweep(now);
      let refused = this.#check(lines, now);
      if (refused !== undefined && now - this.#sweptAt >= sweepWhenRefusedMs && this.#sweep(now)) {
        refused = this.#check(lines, now);
      }
      if (refused !== undefined) return refused;
      const holds: Hold[] = [];
      for (const { account, amount } of lines) {
        const counter = this.#counter(account);
        holds.push([counter.key, account.unit, amount, counter.bucket]);
        this.#store(counter);
      }
      const id = `${timeKey(until)}${this.#process}${(this.#count++).toString(36)}`;
      this.#open.put(id, { until, holds });
      return { granted: true, id };
    });
  }

  settle(id: string, actual: Actual, once?: string): boolean {
    return this.#atomically(() => this.#settle({ id, actual, once }));
  }

  settleSoon(id: string, actual: Actual): void {
    if (this.#waiting.length >= maxWaiting) this.#waiting.shift();
    if (this.#waiting.push({ id, actual, once: undefined }) === 1) setImmediate(() => this.#flushOrRetry());
  }

  /** Makes the settlements that wait. Throws GatewayError STORE_UNAVAILABLE; they wait on then. */
  flush(): void {
    if (this.#waiting.length > 0) this.#atomically(() => undefined);
  }

  release(id: string): boolean {
    return this.#atomically(() => this.#giveBack(id));
  }

  extend(ids: readonly string[], until: number): void {
    this.#atomically(() => {
      for (const id of ids) {
        const open = this.#open.get(id);
        if (open !== undefined && open.until < until) this.#open.put(id, { ...open, until });
      }
    });
  }

  usage(accounts: readonly Account[]): AccountUsage[] {
    this.flush();
    const now = this.#clock.now();
    return accounts.map((account) => {
      const counter = this.#counter(account);
      counter.load(this.#counters.getBinaryFast(counter.keyBytes), now);
      return { account, used: counter.total, reserved: counter.reserved, resetAt: counter.fitsAt(account.limit) };
    });
  }

  reset(accounts: readonly Account[]): void {
    const now = this.#clock.now();
    this.#atomically(() => {
      for (const account of accounts) {
        const counter = this.#counter(account);
        counter.load(this.#counters.getBinaryFast(counter.keyBytes), now);
        counter.forget();
        this.#store(counter);
      }
    });
  }

  /** One write transaction. Throws GatewayError STORE_UNAVAILABLE when the disk is full or the environment closed. */
  #atomically<T>(step: () => T): T {
    const settlements = this.#waiting;
    this.#waiting = [];
    try {
      return this.#environment.transactionSync(() => {
        for (const settlement of settlements) this.#settle(settlement);
        return step();
      });
    } catch (cause) {
      this.#waiting = [...settlements, ...this.#waiting];
      throw new GatewayError('STORE_UNAVAILABLE', { reason: (cause as Error).message }, { cause });
    }
  }

  #flushOrRetry(): void {
    try {
      this.flush();
    } catch {
      // Whoever reserves meanwhile is told; these are charged as soon as the store works again.
      setTimeout(() => this.#flushOrRetry(), againMs).unref();
    }
  }

  #settle({ id, actual, once }: Settlement): boolean {
    if (once !== undefined && !this.#isFirst(once)) return this.#giveBack(id);
    const open = this.#open.get(id);
    const found = open ?? this.#expired.get(id);
    if (found === undefined) return false;
    for (const hold of found.holds) {
      const [, unit, amount] = hold;
      const truth = unit === 'concurrency' ? 0 : (actual[unit] ?? amount);
      this.#adjust(hold, truth - (open === undefined ? 0 : amount), open === undefined ? 0 : amount);
    }
    (open === undefined ? this.#expired : this.#open).remove(id);
    return true;
  }

  /** Loads every counter and reserves in memory; gives the first line that does not fit. */
  #check(lines: readonly Line[], now: number): Refused | undefined {
    for (const { account } of lines) {
      const counter = this.#counter(account);
      counter.load(this.#counters.getBinaryFast(counter.keyBytes), now);
    }
    for (const line of lines) {
      const counter = this.#counter(line.account);
      if (!counter.fits(line.amount)) {
        return { granted: false, line, used: counter.total, resetAt: counter.fitsAt(line.amount) };
      }
      counter.reserve(line.amount);
    }
    return undefined;
  }

  /** Changes a counter by what a reservation's end makes of it. `closed` of the amount was open until now. */
  #adjust([key, , , bucket]: Hold, difference: number, closed: number): void {
    const counter = this.#counterOf(key);
    counter.load(this.#counters.getBinaryFast(counter.keyBytes), 0);
    counter.close(closed);
    counter.charge(bucket, difference);
    this.#store(counter);
  }

  #giveBack(id: string): boolean {
    const open = this.#open.get(id);
    if (open === undefined) {
      this.#expired.remove(id);
      return false;
    }
    for (const hold of open.holds) this.#adjust(hold, -hold[2], hold[2]);
    this.#open.remove(id);
    return true;
  }

  /** True the first time that it is asked for a name. */
  #isFirst(name: string): boolean {
    if (this.#once.doesExist(['name', name])) return false;
    this.#once.put(['name', name], true);
    this.#once.put(['time', timeKey(this.#clock.now()), name], true);
    return true;
  }

  /** Refunds reservations whose time is over; keeps them aside for a late settlement. True when there were any. */
  #sweep(now: number): boolean {
    this.#sweptAt = now;
    const over: [string, OpenReservation][] = [];
    for (const { key, value } of this.#open.getRange({ end: timeKey(now) })) {
      if (value.until <= now) over.push([key, value]);
    }
    for (const [id, reservation] of over) {
      for (const hold of reservation.holds) this.#adjust(hold, -hold[2], hold[2]);
      this.#open.remove(id);
      this.#expired.put(id, reservation);
    }
    const forgotten = timeKey(now - expiredKeptMs);
    for (const id of [...this.#expired.getKeys({ end: forgotten })]) this.#expired.remove(id);
    for (const key of [...this.#once.getKeys({ start: ['time'], end: ['time', forgotten] })]) {
      this.#once.remove(key);
      this.#once.remove(['name', key[2]!]);
    }
    return over.length > 0;
  }

  #counter(account: Account): LedgerCounter {
    let counter = this.#byAccount.get(account);
    if (counter === undefined) {
      counter = new LedgerCounter(account);
      this.#byAccount.set(account, counter);
    }
    return counter;
  }

  #counterOf(key: string): LedgerCounter {
    let counter = this.#byKey.get(key);
    if (counter === undefined) {
      counter = new LedgerCounter(accountOfKey(key));
      if (this.#byKey.size >= maxCachedCounters) this.#byKey.clear();
      this.#byKey.set(key, counter);
    }
    return counter;
  }

  #store(counter: LedgerCounter): void {
    this.#counters.put(counter.keyBytes, counter.bytes);
  }
}

import { randomBytes } from 'node:crypto';
import type { Database } from 'lmdb';
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
import { commitSync } from './commit.ts';
import type { Draw, Leased } from './lease.ts';
import { LedgerCounters } from './ledger-counters.ts';
import { type Environment, openDatabase } from './open-shared.ts';
import { PaidOnce } from './paid-once.ts';
import { timeKey } from './time-key.ts';

/** What an open reservation holds at one counter. */
type Hold = readonly [counterKey: string, unit: Unit, amount: number, bucket: number];

interface OpenReservation {
  /** Milliseconds since 1970. */
  until: number;
  holds: Hold[];
}

const sweepEveryMs = 5_000;
const sweepWhenRefusedMs = 100;
/** How long a late settlement of an expired reservation is still charged, and what was to be charged once is remembered. */
const expiredKeptMs = 7 * 86_400_000;
/** Time until settlements that could not be written are tried again, and how many are kept until then. */
const againMs = 1_000;
const maxWaiting = 10_000;

type Settlement = { readonly id: string; readonly actual: Actual; readonly once: string | undefined };

/**
 * The ledger as synchronous LMDB transactions: one writer at a time over all processes of the machine, a few
 * microseconds each, so that check and reservation cannot come apart.
 *
 * Keys of reservations start with their first `until`, so that a sweep reads only what may have expired.
 */
export class LmdbLedger implements Ledger {
  readonly #environment: Environment;
  readonly #counters: LedgerCounters;
  readonly #open: Database<OpenReservation, string>;
  readonly #expired: Database<OpenReservation, string>;
  readonly #once: PaidOnce;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #process = randomBytes(9).toString('base64url');
  #count = 0;
  #sweptAt = 0;
  /** Settlements that the next transaction makes first. */
  #waiting: Settlement[] = [];

  constructor(environment: Environment, clock: Pick<Clock, 'now'>) {
    this.#environment = environment;
    this.#clock = clock;
    this.#counters = new LedgerCounters(environment);
    this.#open = openDatabase(environment, 'reservations', { encoding: 'msgpack' });
    this.#expired = openDatabase(environment, 'expired', { encoding: 'msgpack' });
    this.#once = new PaidOnce(environment);
  }

  reserve(lines: readonly Line[], until: number): Reservation {
    const now = this.#clock.now();
    return this.#atomically(() => {
      // The clock may have been set back.
      if (Math.abs(now - this.#sweptAt) >= sweepEveryMs) this.#sweep(now);
      let refused = this.#check(lines, now);
      if (refused !== undefined && now - this.#sweptAt >= sweepWhenRefusedMs && this.#sweep(now)) {
        refused = this.#check(lines, now);
      }
      if (refused !== undefined) return refused;
      const holds: Hold[] = [];
      for (const { account, amount } of lines) {
        const counter = this.#counters.of(account);
        holds.push([counter.key, account.unit, amount, counter.bucket]);
        this.#counters.store(counter);
      }
      return { granted: true, id: this.#openNew(until, holds) };
    });
  }

  /**
   * Reserves on each account what `most` says, if that is no more than `share` of what is left there and, on every account,
   * at least `least`; otherwise less, or nothing at all and `undefined`.
   */
  lease(
    wanted: readonly { readonly account: Account; readonly least: number; readonly most: number }[],
    share: number,
    until: number,
  ): Leased[] | undefined {
    const now = this.#clock.now();
    return this.#atomically(() => {
      const amounts = wanted.map(({ account, most }) => {
        const counter = this.#counters.load(account, now);
        return Math.min(most, Math.floor((account.limit - counter.total) * share));
      });
      if (amounts.some((amount, place) => amount < wanted[place]!.least)) return undefined;
      return wanted.map(({ account }, place) => {
        const counter = this.#counters.of(account);
        const amount = amounts[place]!;
        counter.reserve(amount);
        const hold: Hold = [counter.key, account.unit, amount, counter.bucket];
        this.#counters.store(counter);
        return { id: this.#openNew(until, [hold]), key: counter.key, amount, bucketEnd: counter.bucketEnd };
      });
    });
  }

  /** Accounts for what was used of leases. With `once`, nothing happens and false comes back if that name has paid before. */
  draw(draws: readonly Draw[], once?: string): boolean {
    return this.#atomically(() => {
      if (once !== undefined && !this.#once.isFirst(once, this.#clock.now())) return false;
      for (const draw of draws) this.#draw(draw);
      return true;
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
      const counter = this.#counters.load(account, now);
      return { account, used: counter.total, reserved: counter.reserved, resetAt: counter.fitsAt(account.limit) };
    });
  }

  reset(accounts: readonly Account[]): void {
    const now = this.#clock.now();
    this.#atomically(() => {
      const counters = new Map(
        accounts.map((account) => {
          const counter = this.#counters.load(account, now);
          counter.forget();
          return [counter.key, counter];
        }),
      );
      // Their end will take from the counter what they hold, so that has to be in it.
      for (const { value } of this.#open.getRange())
        for (const [key, , amount, bucket] of value.holds) counters.get(key)?.charge(bucket, amount);
      for (const counter of counters.values()) this.#counters.store(counter);
    });
  }

  /** One write transaction. Throws GatewayError STORE_UNAVAILABLE when the disk is full or the environment closed. */
  #atomically<T>(step: () => T): T {
    const settlements = this.#waiting;
    this.#waiting = [];
    try {
      return commitSync(this.#environment, () => {
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

  #openNew(until: number, holds: Hold[]): string {
    const id = `${timeKey(until)}${this.#process}${(this.#count++).toString(36)}`;
    this.#open.put(id, { until, holds });
    return id;
  }

  #draw({ id, used, unused, isLast, until }: Draw): void {
    const open = this.#open.get(id);
    const found = open ?? this.#expired.get(id);
    if (found === undefined) return;
    const [hold] = found.holds as [Hold];
    const [key, unit, amount, bucket] = hold;
    // All of an expired one was refunded.
    if (open === undefined) this.#adjust(hold, used, 0);
    else this.#adjust(hold, -unused, used + unused);
    if (isLast) (open === undefined ? this.#expired : this.#open).remove(id);
    else if (open !== undefined) {
      const rest: Hold = [key, unit, amount - used - unused, bucket];
      this.#open.put(id, { until: Math.max(until, open.until), holds: [rest] });
    }
  }

  #settle({ id, actual, once }: Settlement): boolean {
    if (once !== undefined && !this.#once.isFirst(once, this.#clock.now())) return this.#giveBack(id);
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
    for (const { account } of lines) this.#counters.load(account, now);
    for (const line of lines) {
      const counter = this.#counters.of(line.account);
      if (!counter.fits(line.amount)) {
        return { granted: false, line, used: counter.total, resetAt: counter.fitsAt(line.amount) };
      }
      counter.reserve(line.amount);
    }
    return undefined;
  }

  /** Changes a counter by what a reservation's end makes of it. `closed` of the amount was open until now. */
  #adjust([key, , , bucket]: Hold, difference: number, closed: number): void {
    const counter = this.#counters.loadKey(key);
    counter.close(closed);
    counter.charge(bucket, difference);
    this.#counters.store(counter);
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
    const forgotten = now - expiredKeptMs;
    for (const id of [...this.#expired.getKeys({ end: timeKey(forgotten) })]) this.#expired.remove(id);
    this.#once.forget(forgotten);
    return over.length > 0;
  }
}

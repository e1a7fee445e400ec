import { calendarWindow, formatPeriod, parsePeriod, periodLength } from '../../plugin-sdk/period.ts';
import type { Account, Unit, Window } from '../../plugin-sdk/ports/ledger.ts';

/** A rolling window is counted in this many buckets, plus the one that is just leaving it. */
const resolution = 60;

/** Cells of a counter's record: [head, total, reserved, ...ring]. */
const HEAD = 0;
const TOTAL = 1;
const RESERVED = 2;
const RING = 3;

/**
 * One account's counter, worked on inside a transaction: `load` what is stored, change it, store `bytes` again.
 *
 * A rolling window is a ring of buckets that counts each bucket until all of it has left the window, so it never allows
 * more than the limit in any period and uses at least 98 % of it. A calendar window is a ring of one.
 * All numbers are integers, exact up to 2^53.
 */
export class LedgerCounter {
  readonly account: Account;
  readonly key: string;
  readonly keyBytes: Buffer;
  readonly bytes: Buffer;
  readonly #cells: Float64Array;
  /** Milliseconds per bucket; 0 for calendar windows and for concurrency. */
  readonly #bucketMs: number;
  readonly #ring: number;
  #calendar = { start: 0, end: 0 };

  constructor(account: Account) {
    this.account = account;
    this.key = counterKey(account);
    this.keyBytes = Buffer.from(this.key);
    const rolling = account.window?.type === 'rolling' ? periodLength(account.window.period) : 0;
    this.#bucketMs = Math.ceil(rolling / resolution);
    this.#ring = rolling === 0 ? 0 : Math.ceil(rolling / this.#bucketMs) + 1;
    this.#cells = new Float64Array(RING + this.#ring);
    this.bytes = Buffer.from(this.#cells.buffer);
  }

  get total(): number {
    return this.#cells[TOTAL]!;
  }

  get reserved(): number {
    return this.#cells[RESERVED]!;
  }

  /** Takes over what is stored (a buffer of LMDB that may be larger than its `length`) and moves the window to `now`, if given. */
  load(stored: Buffer | undefined, now: number | undefined): void {
    if (stored === undefined || stored.length !== this.bytes.length) this.#cells.fill(0);
    else stored.copy(this.bytes, 0, 0, this.bytes.length);
    if (this.account.window !== undefined && now !== undefined) this.#advance(now);
  }

  /** Where a reservation made now belongs; settlement must name it. */
  get bucket(): number {
    return this.#cells[HEAD]!;
  }

  /** Milliseconds since 1970 when reservations begin to belong elsewhere. */
  get bucketEnd(): number {
    if (this.account.window === undefined) return Number.POSITIVE_INFINITY;
    return this.#ring === 0 ? this.#calendar.end : (this.bucket + 1) * this.#bucketMs;
  }

  fits(amount: number): boolean {
    return amount === 0 || this.total + amount <= this.account.limit;
  }

  reserve(amount: number): void {
    this.#cells[RESERVED]! += amount;
    this.charge(this.bucket, amount);
  }

  /** Ends a reservation: `refund` of it is open no longer. */
  close(refund: number): void {
    this.#cells[RESERVED]! -= refund;
  }

  /** Adds to the bucket of a reservation, or takes from it; nothing when that bucket has left the window. */
  charge(bucket: number, amount: number): void {
    if (this.#ring > 0) {
      if (bucket <= this.bucket - this.#ring || bucket > this.bucket) return;
      this.#cells[RING + (bucket % this.#ring)]! += amount;
    } else if (bucket !== this.bucket) return;
    this.#cells[TOTAL]! += amount;
  }

  forget(): void {
    this.#cells.fill(0, TOTAL, RESERVED);
    this.#cells.fill(0, RING);
  }

  /** Milliseconds since 1970 when `amount` would fit; `undefined` when never, or when only open requests can free it. */
  fitsAt(amount: number): number | undefined {
    if (this.account.window === undefined || amount > this.account.limit) return undefined;
    if (this.#ring === 0) return this.#calendar.end;
    let excess = this.total + amount - this.account.limit;
    for (let bucket = this.bucket - this.#ring + 1; bucket <= this.bucket; bucket++) {
      if (bucket < 0) continue;
      const held = this.#cells[RING + (bucket % this.#ring)]!;
      excess -= held;
      if (excess <= 0 && held > 0) return (bucket + this.#ring) * this.#bucketMs;
    }
    return undefined;
  }

  #advance(now: number): void {
    if (this.#ring === 0) {
      if (now < this.#calendar.start || now >= this.#calendar.end) {
        this.#calendar = calendarWindow(this.account.window!.period, now);
      }
      const { start, end } = this.#calendar;
      if (start > this.bucket) {
        this.#cells[TOTAL] = 0;
        this.#cells[HEAD] = start;
      } else if (end + (end - start) <= this.bucket) {
        // Of a future that the clock had by mistake, as in #setBack.
        this.#cells[HEAD] = start;
      }
      return;
    }
    const head = Math.floor(now / this.#bucketMs);
    if (head + this.#ring <= this.bucket) this.#setBack(head);
    if (head <= this.bucket) return;
    if (head - this.bucket >= this.#ring) this.forget();
    else {
      for (let bucket = this.bucket + 1; bucket <= head; bucket++) {
        const cell = RING + (bucket % this.#ring);
        this.#cells[TOTAL]! -= this.#cells[cell]!;
        this.#cells[cell] = 0;
      }
    }
    this.#cells[HEAD] = head;
  }

  /**
   * The window lies in a future that the clock had by mistake. It would be shut until that comes, so all that is in it counts
   * as used now.
   */
  #setBack(head: number): void {
    this.#cells.fill(0, RING);
    this.#cells[RING + (head % this.#ring)] = this.total;
    this.#cells[HEAD] = head;
  }
}

/** Identity of an account: who, what and over which window, not the limit. */
export function counterKey({ id, unit, window }: Account): string {
  return window === undefined ? `${unit} ${id}` : `${unit} ${window.type} ${formatPeriod(window.period)} ${id}`;
}

/** The account of a key, with a limit of nothing: enough to adjust its counter. */
export function accountOfKey(key: string): Account {
  const [unit, type, period] = key.split(' ', 3) as [Unit, Window['type'], string];
  if (unit === 'concurrency') return { id: key.slice(unit.length + 1), unit, limit: 0 };
  const id = key.slice(unit.length + type.length + period.length + 3);
  return { id, unit, limit: 0, window: { type, period: parsePeriod(period)! } };
}

import type { MaybePromise } from '../maybe.ts';
import type { Period } from '../period.ts';
import { definePort } from '../ports.ts';

/** What an account counts. Money is integer nano-USD (1 USD = 1,000,000,000). */
export type Unit = 'nano-usd' | 'requests' | 'tokens' | 'concurrency';

/**
 * A limited counter. Its identity is `id`, `unit` and `window` together: changing the limit keeps what was used,
 * changing the window starts afresh. Make account objects once and reuse them; implementations may cache by object.
 */
export interface Account {
  /** Who is counted, such as `virtual-key:marketing`. */
  readonly id: string;
  readonly unit: Unit;
  /** Integer. */
  readonly limit: number;
  /** Absent for `concurrency`, which counts what is open now. */
  readonly window?: Window;
}

/**
 * `rolling` looks back over the period from each moment, in buckets of a sixtieth of it and never too short;
 * `calendar` starts anew at UTC boundaries.
 */
export interface Window {
  readonly type: 'rolling' | 'calendar';
  readonly period: Period;
}

export interface Line {
  readonly account: Account;
  /** Integer, zero or more. A line of zero is never refused. */
  readonly amount: number;
}

export type Reservation = Granted | Refused;

export interface Granted {
  readonly granted: true;
  readonly id: string;
}

/** The first line that does not fit. Nothing was reserved. */
export interface Refused {
  readonly granted: false;
  readonly line: Line;
  /** Used in the window, open reservations included. */
  readonly used: number;
  /** Milliseconds since 1970 when the line would fit if nothing else came; `undefined` when it never fits, or nobody knows. */
  readonly resetAt: number | undefined;
}

export interface AccountUsage {
  readonly account: Account;
  /** Used in the window, open reservations included. */
  readonly used: number;
  /** The part of all open reservations, whatever their window. */
  readonly reserved: number;
  /** Milliseconds since 1970: the end of a calendar window, or when a rolling window is free of all that is in it now. */
  readonly resetAt: number | undefined;
}

/**
 * Reserve the most, settle the truth. Every method is one atomic step over all processes that share the store.
 *
 * A reservation counts in the window in which it was made, and so does its settlement. One that is neither settled,
 * released nor extended in time belongs to a dead process and is refunded; if its owner was only slow, a late `settle`
 * still charges the truth, once.
 */
export interface Ledger {
  /** All lines or none. `until` is milliseconds since 1970. */
  reserve(lines: readonly Line[], until: number): MaybePromise<Reservation>;
  /**
   * Replaces reserved amounts by actual ones, which may be larger; a unit that is absent keeps what was reserved, and
   * concurrency is always given back. False when the reservation is not known or was settled before: nothing is charged.
   *
   * `once` names what is paid for, such as a job that may run again after a crash: the first settlement of a name charges,
   * each other within a week only gives its own reservation back.
   */
  settle(id: string, actual: Actual, once?: string): MaybePromise<boolean>;
  /**
   * Settles without saying whether the reservation was known, perhaps a moment later and together with others, but before
   * anything else that this process asks of the ledger. Where it is absent, `settle` does as well.
   */
  settleSoon?(id: string, actual: Actual): void;
  /** Gives everything back, as if it had not been reserved. */
  release(id: string): MaybePromise<boolean>;
  /** Keeps reservations alive until a later time. */
  extend(ids: readonly string[], until: number): MaybePromise<void>;
  usage(accounts: readonly Account[]): MaybePromise<readonly AccountUsage[]>;
  /** Forgets what an account has used; open reservations stay. */
  reset(accounts: readonly Account[]): MaybePromise<void>;
}

export type Actual = Readonly<Partial<Record<Exclude<Unit, 'concurrency'>, number>>>;

export const ledgerPort = definePort<Ledger>('ledger');

import type { Clock } from '../../plugin-sdk/host.ts';
import { OpenList } from '../../plugin-sdk/open-list.ts';
import type { Account, AccountUsage, Actual, Ledger, Line, Reservation } from '../../plugin-sdk/ports/ledger.ts';
import { Lease } from './lease.ts';
import type { LmdbLedger } from './ledger.ts';
import { counterKey } from './ledger-counter.ts';

/** A lease takes at most this share of what an account has left, so that no process keeps much from the others. */
const share = 1 / 64;
/** Calls that a lease is to last for, and the fewest that make it worth while. */
const mostCalls = 512;
const fewestCalls = 4;
/** Only accounts that are asked for again so soon get a lease. */
const busyMs = 50;
/** How long what was used stands in memory alone. */
const drawEveryMs = 20;
const againMs = 1_000;

const leasePrefix = 'lease-';

interface OpenLocally {
  /** Counts all that were ever open, so that an id is never another's. */
  readonly number: number;
  readonly lines: readonly Line[];
  readonly leases: readonly Lease[];
}

/**
 * Spares busy accounts a transaction per call: this process reserves a little ahead of its calls (a lease) and lets them
 * draw on it in memory. What it has leased is reserved for everyone else, so a limit holds over all processes as it does
 * without; near the limit, where a share of the rest is less than a few calls, every call is a transaction again.
 *
 * What calls used is written every {@link drawEveryMs}, and a lease that nobody draws on is given back by then.
 */
export class LeasedLedger implements Ledger {
  readonly #exact: LmdbLedger;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #current = new WeakMap<Account, Lease>();
  readonly #askedAt = new WeakMap<Account, number>();
  readonly #leases = new Set<Lease>();
  readonly #open = new OpenList<OpenLocally>();
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(exact: LmdbLedger, clock: Pick<Clock, 'now'>) {
    this.#exact = exact;
    this.#clock = clock;
  }

  reserve(lines: readonly Line[], until: number): Reservation {
    const now = this.#clock.now();
    const leases = this.#take(lines, now, until);
    if (leases !== undefined) {
      const number = this.#count++;
      const place = this.#open.add({ number, lines, leases });
      return { granted: true, id: `${leasePrefix}${place}-${number}` };
    }
    const result = this.#exact.reserve(lines, until);
    if (result.granted) this.#leaseFor(lines, now, until);
    else if (this.#giveBack(lines.map(({ account }) => account))) return this.#exact.reserve(lines, until);
    return result;
  }

  settle(id: string, actual: Actual, once?: string): boolean {
    const open = this.#find(id);
    if (open === undefined) return this.#exact.settle(id, actual, once);
    if (once === undefined) {
      this.#close(id, open, actual);
      return true;
    }
    const draws = open.leases.map((lease, place) => lease.drawFor(truth(open.lines[place]!, actual)));
    const isFirst = this.#exact.draw(draws, once);
    this.#open.delete(placeOf(id));
    for (const [place, lease] of open.leases.entries()) {
      const { amount } = open.lines[place]!;
      lease.close(isFirst ? amount - draws[place]!.used : amount, 0);
    }
    this.#drawLater(drawEveryMs);
    return true;
  }

  settleSoon(id: string, actual: Actual): void {
    const open = this.#find(id);
    if (open === undefined) this.#exact.settleSoon(id, actual);
    else this.#close(id, open, actual);
  }

  release(id: string): boolean {
    const open = this.#find(id);
    if (open === undefined) return this.#exact.release(id);
    this.#close(id, open, undefined);
    return true;
  }

  extend(ids: readonly string[], until: number): void {
    const extended = new Set<string>();
    for (const id of ids) {
      const open = this.#find(id);
      if (open === undefined) extended.add(id);
      else for (const lease of open.leases) extended.add(lease.extend(until));
    }
    this.#exact.extend([...extended], until);
  }

  usage(accounts: readonly Account[]): AccountUsage[] {
    this.#giveBack(accounts);
    return this.#exact.usage(accounts);
  }

  reset(accounts: readonly Account[]): void {
    this.#giveBack(accounts);
    this.#exact.reset(accounts);
  }

  /** Writes what was used and gives back what is not needed. Throws GatewayError STORE_UNAVAILABLE; nothing is lost then. */
  flush(): void {
    for (const lease of this.#leases) lease.end();
    this.#draw();
    this.#exact.flush();
  }

  #find(id: string): OpenLocally | undefined {
    if (!id.startsWith(leasePrefix)) return undefined;
    const open = this.#open.get(placeOf(id));
    return open !== undefined && id.endsWith(`-${open.number}`) ? open : undefined;
  }

  /** The leases that cover all lines, drawn on; `undefined` when one of them does not. */
  #take(lines: readonly Line[], now: number, until: number): Lease[] | undefined {
    const taken: Lease[] = [];
    for (const line of lines) {
      const lease = this.#current.get(line.account);
      if (lease === undefined || !lease.take(line.amount, now, until)) {
        for (const [place, other] of taken.entries()) other.close(lines[place]!.amount, 0);
        return undefined;
      }
      taken.push(lease);
    }
    return taken.length === 0 ? undefined : taken;
  }

  /** `actual` is absent when nothing was used. */
  #close(id: string, { lines, leases }: OpenLocally, actual: Actual | undefined): void {
    this.#open.delete(placeOf(id));
    for (let place = 0; place < lines.length; place++) {
      const line = lines[place]!;
      const spent = actual === undefined ? 0 : truth(line, actual);
      leases[place]!.close(line.amount - spent, spent);
    }
    this.#drawLater(drawEveryMs);
  }

  /** What this process keeps of these accounts must not look used, nor be why they have nothing left. True when there was something. */
  #giveBack(accounts: readonly Account[]): boolean {
    if (this.#leases.size === 0) return false;
    const keys = new Set(accounts.map(counterKey));
    let had = false;
    for (const lease of this.#leases) {
      if (!keys.has(lease.key)) continue;
      lease.end();
      had = true;
    }
    this.#draw();
    return had;
  }

  /** New leases for those lines whose account has none that lasts, if all of these accounts are busy and far from their limit. */
  #leaseFor(lines: readonly Line[], now: number, until: number): void {
    const wanted: Line[] = [];
    let busy = true;
    for (const line of lines) {
      const { account, amount } = line;
      const current = this.#current.get(account);
      if (current?.has(amount, now) === true) continue;
      // One that has not ended was taken from a moment ago, and has run out.
      const isBusy = current?.hasEnded === false || now - (this.#askedAt.get(account) ?? 0) <= busyMs;
      if (!isBusy) busy = false;
      this.#askedAt.set(account, now);
      wanted.push(line);
    }
    if (!busy || wanted.length === 0) return;
    const leased = this.#exact.lease(
      wanted.map(({ account, amount }) => ({ account, least: amount * fewestCalls, most: amount * mostCalls })),
      share,
      until,
    );
    if (leased === undefined) return;
    for (const [place, { account }] of wanted.entries()) {
      this.#current.get(account)?.end();
      const lease = new Lease(leased[place]!, until);
      this.#current.set(account, lease);
      this.#leases.add(lease);
    }
    this.#drawLater(drawEveryMs);
  }

  #drawLater(afterMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#draw();
      } catch {
        // Whoever reserves meanwhile is told; what was used is written as soon as the store works again.
        return this.#drawLater(againMs);
      }
      // One that has ended asks again when its last calls are over.
      for (const lease of this.#leases) if (!lease.hasEnded) return this.#drawLater(drawEveryMs);
    }, afterMs).unref();
  }

  #draw(): void {
    const drawn: Lease[] = [];
    for (const lease of this.#leases) if (lease.isDue()) drawn.push(lease);
    if (drawn.length === 0) return;
    this.#exact.draw(drawn.map((lease) => lease.nextDraw()));
    for (const lease of drawn) if (lease.drawn()) this.#leases.delete(lease);
  }
}

/** Of the id `lease-PLACE-NUMBER`. */
function placeOf(id: string): number {
  return Number.parseInt(id.slice(leasePrefix.length), 10);
}

function truth({ account: { unit }, amount }: Line, actual: Actual): number {
  return unit === 'concurrency' ? 0 : (actual[unit] ?? amount);
}

import type { MaybePromise } from '../../plugin-sdk/index.ts';
import type { CachedContent } from '../../plugin-sdk/ports/cache.ts';

/** What an exchange brought that others waited for. */
export interface Landed {
  readonly content: CachedContent;
  /** Id of the exchange that brought it. */
  readonly request: string;
  readonly time: number;
  /** Paths of its request that the target could not carry. */
  readonly lossy?: readonly string[];
}

/** What becomes of one that waited: an answer, the lead, or no more company. */
export type Landing = Landed | 'lead' | 'alone';

type Waiter = (landing: Landing) => void;

interface Flight {
  readonly waiters: Set<Waiter>;
  landed: Landed | undefined;
}

const maxWaiting = 10_000;

/** Identical requests in flight: the first one leads, the others wait for what it brings. */
export class Flights {
  readonly #open = new Map<string, Flight>();
  #waiting = 0;

  /** True when nobody leads under this key; the caller then does, and must end with {@link end}. */
  lead(key: string): boolean {
    if (this.#open.has(key)) return false;
    this.#open.set(key, { waiters: new Set(), landed: undefined });
    return true;
  }

  /** Waits behind the leader; `leave` is called with what takes the waiter back. */
  follow(key: string, leave: (takeBack: (as: Landing) => void) => void): MaybePromise<Landing> {
    const flight = this.#open.get(key);
    if (flight?.landed !== undefined) return flight.landed;
    if (flight === undefined || this.#waiting >= maxWaiting) return 'alone';
    return new Promise((resolve) => {
      const waiter: Waiter = (landing) => {
        if (!flight.waiters.delete(waiter)) return;
        this.#waiting -= 1;
        resolve(landing);
      };
      flight.waiters.add(waiter);
      this.#waiting += 1;
      leave(waiter);
    });
  }

  hasFollowers(key: string): boolean {
    return (this.#open.get(key)?.waiters.size ?? 0) > 0;
  }

  /** Gives the answer to those that wait, and to those that come before it is in the store. */
  land(key: string, landed: Landed): void {
    const flight = this.#open.get(key);
    if (flight === undefined) return;
    flight.landed = landed;
    for (const waiter of [...flight.waiters]) waiter(landed);
  }

  /**
   * Ends the leader's part. `lead`: it went away, so the first that waits takes over and the others wait on. `alone`: it
   * got nothing to share, so each goes its own way. True when nobody leads any more.
   */
  end(key: string, landing: Landing): boolean {
    const flight = this.#open.get(key);
    if (flight === undefined) return true;
    const [first] = flight.waiters;
    if (landing === 'lead' && first !== undefined) {
      first('lead');
      return false;
    }
    this.#open.delete(key);
    for (const waiter of [...flight.waiters]) waiter(landing);
    return true;
  }
}

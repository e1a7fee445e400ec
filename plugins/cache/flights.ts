import type { CachedContent } from '../../plugin-sdk/ports/cache.ts';

/** What an exchange brought that others waited for. */
export interface Landed {
  readonly content: CachedContent;
  /** Id of the exchange that brought it. */
  readonly request: string;
  readonly time: number;
}

/** What becomes of one that waited: an answer, the lead, or no more company. */
export type Landing = Landed | 'lead' | 'alone';

type Waiter = (landing: Landing) => void;

const maxWaiting = 10_000;

/** Identical requests in flight: the first one leads, the others wait for what it brings. */
export class Flights {
  readonly #open = new Map<string, Set<Waiter>>();
  #waiting = 0;

  /** True when nobody leads under this key; the caller then does, and must end with {@link land}. */
  lead(key: string): boolean {
    if (this.#open.has(key)) return false;
    this.#open.set(key, new Set());
    return true;
  }

  /** Waits behind the leader; `leave` is called with what takes the waiter back. */
  follow(key: string, leave: (takeBack: (as: Landing) => void) => void): Promise<Landing> | 'alone' {
    const waiters = this.#open.get(key);
    if (waiters === undefined || this.#waiting >= maxWaiting) return 'alone';
    return new Promise((resolve) => {
      const waiter: Waiter = (landing) => {
        if (!waiters.delete(waiter)) return;
        this.#waiting -= 1;
        resolve(landing);
      };
      waiters.add(waiter);
      this.#waiting += 1;
      leave(waiter);
    });
  }

  hasFollowers(key: string): boolean {
    return (this.#open.get(key)?.size ?? 0) > 0;
  }

  /**
   * Ends the leader's part. `lead`: it went away, so the first that waits takes over and the others wait on. `alone`: it
   * got nothing to share, so each goes its own way.
   */
  land(key: string, landing: Landing): void {
    const waiters = this.#open.get(key);
    if (waiters === undefined) return;
    const [first] = waiters;
    if (landing === 'lead' && first !== undefined) {
      first('lead');
      return;
    }
    this.#open.delete(key);
    for (const waiter of [...waiters]) waiter(landing === 'lead' ? 'alone' : landing);
  }
}

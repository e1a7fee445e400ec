import type { GatewayError } from '../plugin-sdk/index.ts';
import { OpenList } from '../plugin-sdk/open-list.ts';
import type { LiveExchange } from './exchange.ts';

/** What of a generation is not settled yet, so that nothing is taken from it before it is. */
export class OpenExchanges {
  /** Those of clients; what a plugin runs is its own to stop. */
  readonly ofClients = new OpenList<LiveExchange>();
  #count = 0;
  readonly #idle = new Set<() => void>();

  get count(): number {
    return this.#count;
  }

  /** Counts an exchange until it is settled. */
  track(settled: Promise<void>): void {
    this.#count += 1;
    void settled.then(() => {
      this.#count -= 1;
      if (this.#count === 0) for (const idle of this.#idle) idle();
    });
  }

  /** Resolves when none is open, or after `ms`. */
  whenIdle(ms: number): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const idle = (): void => {
        clearTimeout(timer);
        this.#idle.delete(idle);
        resolve();
      };
      const timer = setTimeout(idle, ms);
      this.#idle.add(idle);
    });
  }

  /** Ends what clients have open, and gives its observers up to `ms`. */
  end(reason: GatewayError, ms: number): Promise<void> {
    for (const exchange of [...this.ofClients]) exchange.stop(reason);
    return this.whenIdle(ms);
  }
}

import { type Clock, chain, type MaybePromise } from '../../plugin-sdk/index.ts';
import type { Account, Ledger } from '../../plugin-sdk/ports/ledger.ts';

interface Balance {
  left: number;
  /** Milliseconds since 1970. */
  readonly askedAt: number;
}

/** Asking disturbs a ledger that reserves ahead for busy accounts, so an answer is good for this long. */
const knownMs = 200;

/**
 * What accounts have left, as last heard and less what was taken since. For choices that need not be exact: the ledger
 * checks what is reserved.
 */
export class Balances {
  readonly #ledger: Ledger;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #known = new WeakMap<Account, Balance>();

  constructor(ledger: Ledger, clock: Pick<Clock, 'now'>) {
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** What each account has left, in order; `fresh` asks the ledger whatever is known. */
  of(accounts: readonly Account[], fresh: boolean): MaybePromise<readonly number[]> {
    const now = this.#clock.now();
    const known = accounts.map((account) => this.#known.get(account));
    if (!fresh && known.every((one) => one !== undefined && now - one.askedAt < knownMs)) {
      return known.map((one) => one!.left);
    }
    return chain(this.#ledger.usage(accounts), (usages) =>
      usages.map(({ account, used }, place) => {
        const left = account.limit - used;
        this.#known.set(accounts[place]!, { left, askedAt: now });
        return left;
      }),
    );
  }

  took(account: Account, amount: number): void {
    const known = this.#known.get(account);
    if (known !== undefined) known.left -= amount;
  }
}

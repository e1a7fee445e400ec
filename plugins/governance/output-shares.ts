import { chain, type Host, type MaybePromise, type RoutedExchange } from '../../plugin-sdk/index.ts';
import type { Account, Ledger } from '../../plugin-sdk/ports/ledger.ts';
import type { Prices } from '../../plugin-sdk/ports/prices.ts';
import type { Amounts } from './accounts.ts';
import { allot } from './allotment.ts';
import { Balances } from './balances.ts';
import type { Charge } from './charge.ts';
import { mostAtAny, outputAtAny } from './costs.ts';
import type { Estimates } from './options.ts';

export interface OutputShareOptions {
  readonly host: Host;
  readonly ledger: Ledger;
  readonly prices: Prices;
  readonly estimates: Estimates;
}

/** Says how much output a call may have that states no limit itself. */
export class OutputShares {
  readonly #balances: Balances;
  readonly #prices: Prices;
  readonly #estimates: Estimates;

  constructor({ host, ledger, prices, estimates }: OutputShareOptions) {
    this.#balances = new Balances(ledger, host.clock);
    this.#estimates = estimates;
    // Whether a call without a price is refused is decided where it is reserved.
    this.#prices = {
      unknown: 'allow',
      reserve: (facts) => prices.reserve(facts),
      cost: (facts) => prices.cost(facts),
      sizeOf: (call) => prices.sizeOf?.(call) ?? {},
    };
  }

  /** Sets the call's `outputLimit` where it may not have all that its models can give. `fresh` asks the ledger what is left. */
  fit(
    charge: Charge,
    exchange: RoutedExchange,
    accounts: readonly Account[],
    fresh: boolean,
  ): MaybePromise<'may shrink' | undefined> {
    return chain(outputAtAny(charge, exchange.targets, this.#prices), ({ accepted, most }) =>
      chain(this.#shareOf(charge, exchange, accounts, most, fresh), (output) => {
        charge.outputLimit = output >= most ? undefined : Math.min(output, accepted);
        return output > this.#estimates.leastOutputTokens ? 'may shrink' : undefined;
      }),
    );
  }

  /** A call has reserved these amounts. */
  took(accounts: readonly Account[], amounts: Amounts): void {
    for (const account of accounts) this.#balances.took(account, amounts[account.unit]);
  }

  /** The smallest share of all accounts, in output tokens per answer. What is last known will do while there is plenty. */
  #shareOf(
    charge: Charge,
    exchange: RoutedExchange,
    accounts: readonly Account[],
    most: number,
    fresh: boolean,
  ): MaybePromise<number> {
    const { outputTokens: usual, leastOutputTokens: least } = this.#estimates;
    return chain(this.#balances.of(accounts, fresh), (lefts) => {
      const next = (place: number, output: number): MaybePromise<number> => {
        const account = accounts[place];
        if (account === undefined) return output;
        const costOf = (tokens: number): MaybePromise<number> =>
          chain(mostAtAny(charge, exchange, [account], this.#prices, tokens), (amounts) => amounts[account.unit]);
        return chain(allot({ left: lefts[place]!, costOf }, { most, usual, least }), (found) =>
          next(place + 1, Math.min(output, found)),
        );
      };
      return chain(next(0, most), (output) =>
        fresh || output >= Math.min(most, usual) ? output : this.#shareOf(charge, exchange, accounts, most, true),
      );
    });
  }
}

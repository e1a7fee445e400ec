import type { Cost, PricedCall, Prices, ReserveFacts, UsageFacts } from '../../plugin-sdk/ports/prices.ts';
import type { PriceBook } from './book.ts';
import { charge, reserve } from './charge.ts';
import { toNanoUsd } from './money.ts';
import type { Overrides } from './overrides.ts';
import type { PriceList } from './rates.ts';

export interface PriceSources {
  readonly book: PriceBook;
  readonly overrides: Overrides;
  readonly unknown: 'allow' | 'refuse';
  /** The book's provider for a configured provider's instance name, such as `openai` for `my-openai`. */
  bookProvider(instance: string): string;
}

/** {@link Prices} that answer at once. */
export interface SynchronousPrices extends Prices {
  reserve(facts: ReserveFacts): Cost | 'unknown';
  cost(facts: UsageFacts): Cost | 'unknown';
}

export function createPrices(sources: PriceSources): SynchronousPrices {
  const listFor = (call: PricedCall): PriceList | undefined => {
    const provider = sources.bookProvider(call.provider);
    let base: PriceList | undefined;
    const names = call.otherModels === undefined ? [call.model] : [call.model, ...call.otherModels];
    for (const name of names) {
      base = sources.book.find(provider, name, call.at);
      if (base !== undefined) break;
    }
    return sources.overrides.apply(call, names, base);
  };
  return {
    unknown: sources.unknown,
    reserve: (facts) => priced(listFor(facts), (list) => reserve(list, facts)),
    cost: (facts) => priced(listFor(facts), (list) => charge(list, facts)),
  };
}

function priced(list: PriceList | undefined, amountOf: (list: PriceList) => bigint | undefined): Cost | 'unknown' {
  if (list === undefined) return 'unknown';
  const amount = amountOf(list);
  return amount === undefined ? 'unknown' : { nanoUsd: toNanoUsd(amount), version: list.version };
}

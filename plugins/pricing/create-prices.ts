import type { Cost, ModelSize, PricedCall, Prices, ReserveFacts, UsageFacts } from '../../plugin-sdk/ports/prices.ts';
import type { PriceBook } from './book.ts';
import { charge, reserve } from './charge.ts';
import type { FamilySize } from './entry.ts';
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
  sizeOf(call: PricedCall): ModelSize;
}

export function createPrices(sources: PriceSources): SynchronousPrices {
  const listFor = (call: PricedCall): PriceList | undefined => {
    const provider = sources.bookProvider(call.provider);
    let base: PriceList | undefined;
    const names = namesOf(call);
    for (const name of names) {
      base = sources.book.find(provider, name, call.at);
      if (base !== undefined) break;
    }
    return sources.overrides.apply(call, names, base);
  };
  return {
    unknown: sources.unknown,
    reserve: (facts) => priced(listFor(facts), (list) => reserve(list, facts)),
    sizeOf(call) {
      const provider = sources.bookProvider(call.provider);
      const names = namesOf(call);
      let base: FamilySize = {};
      for (const name of names) {
        base = sources.book.sizeOf(provider, name);
        if (Object.keys(base).length > 0) break;
      }
      return sources.overrides.sizeOf(call, names, base);
    },
    cost: (facts) => priced(listFor(facts), (list) => charge(list, facts)),
  };
}

function namesOf({ model, otherModels }: PricedCall): readonly string[] {
  return otherModels === undefined ? [model] : [model, ...otherModels];
}

function priced(list: PriceList | undefined, amountOf: (list: PriceList) => bigint | undefined): Cost | 'unknown' {
  if (list === undefined) return 'unknown';
  const amount = amountOf(list);
  return amount === undefined ? 'unknown' : { nanoUsd: toNanoUsd(amount), version: list.version };
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { PricedCall } from '../../plugin-sdk/ports/prices.ts';
import { prices, usd } from './entry.ts';
import { type NamePattern, namePattern } from './name-pattern.ts';
import { type PriceList, priceList, scaledList } from './rates.ts';

/** Prices of the operator's own. One replaces the book's prices of a model whole, or scales them by `multiplier`. */
export const overrideSchema = z
  .strictObject({
    model: z.string().min(1).default('*').describe('Exact name, or a pattern with one *.'),
    provider: z.string().optional().describe('Instance name of a provider; every provider when absent.'),
    key: z.string().optional().describe('Name of a provider key.'),
    virtualKey: z.string().optional().describe('Id of a virtual key.'),
    from: z.iso.date().optional().describe('First day (UTC) on which it holds.'),
    multiplier: usd.optional().describe('Factor on the prices that would hold without it, such as 0.85.'),
    ...prices,
  })
  .superRefine((override, context) => {
    const { model: _, provider, key, virtualKey, from, multiplier, ...fields } = override;
    const priced = Object.values(fields).some((value) => value !== undefined);
    if (priced !== (multiplier !== undefined)) return;
    context.addIssue({
      code: 'custom',
      message: priced ? 'multiplier stands alone, without prices' : 'needs prices or a multiplier',
    });
  });

export type OverrideOptions = z.output<typeof overrideSchema>;

interface Override {
  readonly pattern: NamePattern;
  readonly provider: string | undefined;
  readonly key: string | undefined;
  readonly virtualKey: string | undefined;
  readonly from: number;
  /** How narrow its scope is; the narrowest wins, then the closest name, then the latest day. */
  readonly scope: number;
  apply(base: PriceList | undefined): PriceList | undefined;
}

export class Overrides {
  readonly #closestFirst: readonly Override[];

  /** Throws RangeError naming the override that cannot be read. */
  constructor(options: readonly OverrideOptions[]) {
    const read = options.map((one, index) => {
      try {
        return override(one);
      } catch (cause) {
        throw new RangeError(`overrides[${index}]: ${cause instanceof Error ? cause.message : String(cause)}`, {
          cause,
        });
      }
    });
    this.#closestFirst = read.sort(
      (a, b) => b.scope - a.scope || b.pattern.weight - a.pattern.weight || b.from - a.from,
    );
  }

  /** The closest override for one of a call's names, applied to the book's prices; the latter as they are when none fits. */
  apply(call: PricedCall, names: readonly string[], base: PriceList | undefined): PriceList | undefined {
    for (const one of this.#closestFirst) {
      if (one.provider !== undefined && one.provider !== call.provider) continue;
      if (one.key !== undefined && one.key !== call.key) continue;
      if (one.virtualKey !== undefined && one.virtualKey !== call.virtualKey) continue;
      if (one.from > call.at || !names.some((name) => one.pattern.matches(name))) continue;
      return one.apply(base);
    }
    return base;
  }
}

function override(options: OverrideOptions): Override {
  const { model, provider, key, virtualKey, from, multiplier, ...fields } = options;
  const version = `config-${createHash('sha256').update(JSON.stringify(options)).digest('hex').slice(0, 8)}`;
  const own = multiplier === undefined ? priceList(fields, version) : undefined;
  const discounted = new WeakMap<PriceList, PriceList>();
  return {
    pattern: namePattern(model),
    provider,
    key,
    virtualKey,
    from: from === undefined ? 0 : Date.parse(`${from}T00:00:00Z`),
    scope: (virtualKey === undefined ? 0 : 4) + (key === undefined ? 0 : 2) + (provider === undefined ? 0 : 1),
    apply(base) {
      if (own !== undefined || base === undefined) return own;
      let list = discounted.get(base);
      if (list === undefined)
        discounted.set(base, (list = scaledList(base, multiplier!, `${base.version}+${version}`)));
      return list;
    },
  };
}

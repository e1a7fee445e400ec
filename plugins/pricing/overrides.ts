import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ModelSize, PricedCall } from '../../plugin-sdk/ports/prices.ts';
import { type FamilySize, type PriceFields, prices, sizes, usd } from './entry.ts';
import { type NamePattern, namePattern } from './name-pattern.ts';
import { type PriceList, priceList, scaledList } from './rates.ts';

/**
 * Prices of the operator's own. One replaces the book's prices of a model whole, or scales them by `multiplier`; a size
 * replaces only that size.
 */
export const overrideSchema = z
  .strictObject({
    model: z.string().min(1).default('*').describe('Exact name, or a pattern with one *.'),
    provider: z.string().optional().describe('Instance name of a provider; every provider when absent.'),
    key: z.string().optional().describe('Name of a provider key.'),
    virtualKey: z.string().optional().describe('Id of a virtual key.'),
    from: z.iso.date('use a day such as 2026-12-31').optional().describe('First day (UTC) on which it holds.'),
    multiplier: usd.optional().describe('Factor on the prices that would hold without it, such as 0.85.'),
    ...prices,
    ...sizes,
  })
  .superRefine((override, context) => {
    const { multiplier, prices: priced, size } = partsOf(override);
    const message = (text: string): void => context.addIssue({ code: 'custom', message: text });
    if (priced !== undefined && multiplier !== undefined) message('multiplier stands alone, without prices');
    if (priced === undefined && multiplier === undefined && size === undefined) {
      message('needs prices, a multiplier or a size');
    }
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
  /** Absent when it has nothing to say about prices. */
  readonly apply: ((base: PriceList | undefined) => PriceList | undefined) | undefined;
  readonly size: FamilySize | undefined;
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
    const closest = this.#closestFirst.find((one) => one.apply !== undefined && fits(one, call, names));
    return closest?.apply === undefined ? base : closest.apply(base);
  }

  /** The book's sizes, with those of the closest override that states any. */
  sizeOf(call: PricedCall, names: readonly string[], base: FamilySize): ModelSize {
    const own = this.#closestFirst.find((one) => one.size !== undefined && fits(one, call, names))?.size;
    return (own === undefined ? base : { ...base, ...own }) as ModelSize;
  }
}

function fits(one: Override, call: PricedCall, names: readonly string[]): boolean {
  if (one.provider !== undefined && one.provider !== call.provider) return false;
  if (one.key !== undefined && one.key !== call.key) return false;
  if (one.virtualKey !== undefined && one.virtualKey !== call.virtualKey) return false;
  return one.from <= call.at && names.some((name) => one.pattern.matches(name));
}

function override(options: OverrideOptions): Override {
  const { model, provider, key, virtualKey, from } = options;
  const { multiplier, prices: own, size } = partsOf(options);
  const version = `config-${createHash('sha256').update(JSON.stringify(options)).digest('hex').slice(0, 8)}`;
  return {
    pattern: namePattern(model),
    provider,
    key,
    virtualKey,
    from: from === undefined ? 0 : Date.parse(`${from}T00:00:00Z`),
    scope: (virtualKey === undefined ? 0 : 4) + (key === undefined ? 0 : 2) + (provider === undefined ? 0 : 1),
    apply: applying(own, multiplier, version),
    size,
  };
}

/** An override's fields by what they speak of; a part of which it states nothing is absent. */
function partsOf(options: OverrideOptions): {
  readonly multiplier: string | number | undefined;
  readonly prices: PriceFields | undefined;
  readonly size: FamilySize | undefined;
} {
  const { model: _, provider, key, virtualKey, from, multiplier, ...fields } = options;
  const { maxOutputTokens, contextWindow, ownInputTokens, ...priced } = fields;
  return { multiplier, prices: stated(priced), size: stated({ maxOutputTokens, contextWindow, ownInputTokens }) };
}

function stated<T extends object>(fields: T): T | undefined {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as T);
}

function applying(
  own: PriceFields | undefined,
  multiplier: string | number | undefined,
  version: string,
): Override['apply'] {
  if (multiplier !== undefined) return scaling(multiplier, version);
  if (own === undefined) return undefined;
  const list = priceList(own, version);
  return () => list;
}

function scaling(multiplier: string | number, version: string): NonNullable<Override['apply']> {
  const scaled = new WeakMap<PriceList, PriceList>();
  return (base) => {
    if (base === undefined) return undefined;
    let list = scaled.get(base);
    if (list === undefined) scaled.set(base, (list = scaledList(base, multiplier, `${base.version}+${version}`)));
    return list;
  };
}

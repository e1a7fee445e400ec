import type { BookFile } from './book-file.ts';
import type { PriceFields, TierFields } from './entry.ts';
import { type Femto, perMillionTokens, perUnit, scale } from './money.ts';

/** Femto-dollars per token. Absent: no price. */
export interface TokenRates {
  readonly input: Femto | undefined;
  readonly cachedInput: Femto | undefined;
  readonly cacheWrite: Femto | undefined;
  readonly cacheWriteLong: Femto | undefined;
  readonly audioInput: Femto | undefined;
  readonly imageInput: Femto | undefined;
  readonly output: Femto | undefined;
  readonly reasoning: Femto | undefined;
  readonly audioOutput: Femto | undefined;
  readonly imageOutput: Femto | undefined;
}

export interface ImagePrice {
  readonly size: string | undefined;
  readonly quality: string | undefined;
  readonly price: Femto;
}

export interface UnitRates {
  readonly images: readonly ImagePrice[];
  readonly character: Femto | undefined;
  readonly second: Femto | undefined;
  readonly request: Femto | undefined;
  readonly search: Femto | undefined;
}

/** The prices of one model in one service tier. */
export interface Schedule {
  readonly base: TokenRates;
  /** Rising. */
  readonly tiers: readonly { readonly above: number; readonly rates: TokenRates }[];
  readonly units: UnitRates;
}

/** The prices of one model, ready to charge. */
export interface PriceList {
  readonly version: string;
  readonly standard: Schedule;
  readonly byServiceTier: ReadonlyMap<string, Schedule>;
  readonly imageTokens: NonNullable<PriceFields['imageTokens']>;
}

type Factors = NonNullable<BookFile['derived']>;

/** Turns price fields into whole numbers. Throws RangeError when a price is no decimal or there is none at all. */
export function priceList(fields: PriceFields, version: string, derived: Factors = {}): PriceList {
  const standard = schedule(fields, fields.tiers ?? [], unitRates(fields), derived);
  const { base, units } = standard;
  const priced = [base.input, base.output, base.audioInput, base.audioOutput, base.imageOutput, ...unitPricesOf(units)];
  if (priced.every((rate) => rate === undefined)) throw new RangeError('there is no price in it');
  const byServiceTier = new Map<string, Schedule>();
  for (const [word, tier] of Object.entries(fields.serviceTiers ?? {})) {
    byServiceTier.set(
      word,
      'multiplier' in tier
        ? scaled(standard, tier.multiplier)
        : schedule(tier, tier.tiers ?? [], standard.units, derived),
    );
  }
  return { version, standard, byServiceTier, imageTokens: fields.imageTokens ?? [] };
}

/** The same prices, all of them times a factor: a discount that was agreed with the provider. */
export function scaledList(list: PriceList, factor: string | number, version: string): PriceList {
  return {
    version,
    standard: scaled(list.standard, factor, true),
    byServiceTier: new Map([...list.byServiceTier].map(([word, one]) => [word, scaled(one, factor, true)])),
    imageTokens: list.imageTokens,
  };
}

export function unitPricesOf(units: UnitRates): readonly (Femto | undefined)[] {
  return [units.images[0]?.price, units.character, units.second, units.request, units.search];
}

function schedule(
  fields: Partial<TierFields>,
  tiers: readonly TierFields[],
  units: UnitRates,
  derived: Factors,
): Schedule {
  return {
    base: tokenRates(fields, derived),
    tiers: tiers
      .map((tier) => ({ above: tier.aboveInputTokens, rates: tokenRates({ ...flat(fields), ...tier }, derived) }))
      .sort((a, b) => a.above - b.above),
    units,
  };
}

/** A tier states what differs; audio, say, keeps its price. What is derived from input follows the tier's input. */
function flat(fields: Partial<TierFields>): Partial<TierFields> {
  const { audioInput, imageInput, audioOutput, imageOutput, output, input } = fields;
  const kept = { audioInput, imageInput, audioOutput, imageOutput, output, input };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) as Partial<TierFields>;
}

function tokenRates(fields: Partial<TierFields>, derived: Factors): TokenRates {
  const own = (value: string | number | undefined): Femto | undefined =>
    value === undefined ? undefined : perMillionTokens(value);
  const input = own(fields.input);
  const fromInput = (value: string | number | undefined, factor: string | number | undefined): Femto | undefined =>
    own(value) ?? (input !== undefined && factor !== undefined ? scale(input, factor) : undefined);
  const output = own(fields.output);
  const cacheWrite = fromInput(fields.cacheWrite, derived.cacheWrite) ?? input;
  return {
    input,
    cachedInput: fromInput(fields.cachedInput, derived.cachedInput) ?? input,
    cacheWrite,
    cacheWriteLong: fromInput(fields.cacheWriteLong, derived.cacheWriteLong) ?? cacheWrite,
    audioInput: own(fields.audioInput) ?? input,
    imageInput: own(fields.imageInput) ?? input,
    output,
    reasoning: own(fields.reasoning) ?? output,
    audioOutput: own(fields.audioOutput) ?? output,
    imageOutput: own(fields.imageOutput) ?? output,
  };
}

function unitRates(fields: PriceFields): UnitRates {
  const own = (value: string | number | undefined): Femto | undefined =>
    value === undefined ? undefined : perUnit(value);
  const images =
    fields.perImage === undefined
      ? []
      : Array.isArray(fields.perImage)
        ? fields.perImage
        : [{ price: fields.perImage }];
  return {
    images: images.map((line) => ({
      size: 'size' in line ? line.size : undefined,
      quality: 'quality' in line ? line.quality : undefined,
      price: perUnit(line.price),
    })),
    character: own(fields.perCharacter),
    second: own(fields.perSecond),
    request: own(fields.perRequest),
    search: own(fields.perSearch),
  };
}

/** Searches and requests are fees that no service tier discounts; an agreed discount (`everything`) is on the whole bill. */
function scaled(list: Schedule, factor: string | number, everything = false): Schedule {
  const times = (rate: Femto | undefined): Femto | undefined => (rate === undefined ? undefined : scale(rate, factor));
  const rates = (one: TokenRates): TokenRates => ({
    input: times(one.input),
    cachedInput: times(one.cachedInput),
    cacheWrite: times(one.cacheWrite),
    cacheWriteLong: times(one.cacheWriteLong),
    audioInput: times(one.audioInput),
    imageInput: times(one.imageInput),
    output: times(one.output),
    reasoning: times(one.reasoning),
    audioOutput: times(one.audioOutput),
    imageOutput: times(one.imageOutput),
  });
  const { units } = list;
  return {
    base: rates(list.base),
    tiers: list.tiers.map((tier) => ({ above: tier.above, rates: rates(tier.rates) })),
    units: {
      images: units.images.map((line) => ({ ...line, price: scale(line.price, factor) })),
      character: times(units.character),
      second: times(units.second),
      request: everything ? times(units.request) : units.request,
      search: everything ? times(units.search) : units.search,
    },
  };
}

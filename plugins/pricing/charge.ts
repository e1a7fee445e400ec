import type { Usage } from '../../plugin-sdk/index.ts';
import type { ReserveFacts, UsageFacts } from '../../plugin-sdk/ports/prices.ts';
import { count, type Femto } from './money.ts';
import {
  type ImagePrice,
  type PriceList,
  type Schedule,
  type TokenRates,
  type UnitRates,
  unitPricesOf,
} from './rates.ts';

/** What is charged, in parts that do not overlap. Tokens and pieces are whole numbers, audio is in milliseconds. */
interface Parts {
  readonly tokens: Readonly<Partial<Record<TokenClass, number>>>;
  readonly images: number;
  readonly characters: number;
  readonly audioMs: number;
  readonly searches: number;
}

interface ImageKind {
  readonly imageSize?: string | undefined;
  readonly imageQuality?: string | undefined;
}

/** What a call did cost; `undefined` when the list has no price for something that it used. */
export function charge(list: PriceList, facts: UsageFacts): Femto | undefined {
  const schedule = scheduleOf(list, facts.serviceTier);
  return total(schedule, ratesAt(schedule, facts.usage.input), partsOf(facts.usage), facts);
}

/**
 * The most a call can cost: every token in its dearest class, at the dearest context tier that it can reach, in the
 * service tier asked for or the standard one, whichever is dearer (a provider may answer in either). `undefined` when
 * the list has no price for what is asked, or prices pieces (seconds of audio) whose number the facts do not bound.
 */
export function reserve(list: PriceList, facts: ReserveFacts): Femto | undefined {
  const standard = mostIn(list, list.standard, facts);
  const asked = scheduleOf(list, facts.serviceTier);
  return asked === list.standard ? standard : dearer(standard, mostIn(list, asked, facts));
}

/** The most in one service tier: at its base rates, or those of any context tier that the input may reach. */
function mostIn(list: PriceList, schedule: Schedule, facts: ReserveFacts): Femto | undefined {
  const at = (rates: TokenRates): Femto | undefined =>
    total(schedule, rates, worstParts(list, schedule, rates, facts), facts);
  let most = at(schedule.base);
  for (const tier of schedule.tiers) if (facts.inputTokens > tier.above) most = dearer(most, at(tier.rates));
  return most;
}

/** One that is not known cannot be said to be less. */
function dearer(one: Femto | undefined, other: Femto | undefined): Femto | undefined {
  if (one === undefined || other === undefined) return undefined;
  return other > one ? other : one;
}

/** The one sum behind reservation and settlement. */
function total(schedule: Schedule, rates: TokenRates, parts: Parts, kind: ImageKind): Femto | undefined {
  const { units } = schedule;
  const imagePrice = priceOfImage(units.images, kind);
  let sum = units.request ?? 0n;
  let something = units.request !== undefined;
  for (const part of tokenClasses) {
    const amount = parts.tokens[part];
    if (amount === undefined || amount === 0) continue;
    const rate = rates[part];
    if (rate === undefined && !pricedByPiece(units)) return undefined;
    sum += BigInt(amount) * (rate ?? 0n);
    something ||= rate !== undefined;
  }
  if (units.images.length > 0 && parts.images > 0) {
    if (imagePrice === undefined) return undefined;
    sum += BigInt(parts.images) * imagePrice;
    something = true;
  }
  if (units.character !== undefined && parts.characters > 0) {
    sum += BigInt(parts.characters) * units.character;
    something = true;
  }
  if (units.second !== undefined && parts.audioMs > 0) {
    sum += (BigInt(parts.audioMs) * units.second + 500n) / 1_000n;
    something = true;
  }
  if (units.search !== undefined && parts.searches > 0) {
    sum += BigInt(parts.searches) * units.search;
    something = true;
  }
  if (something) return sum;
  // Pieces without a price, or a price for pieces that nobody counted: not known, which is not free.
  const pieces = parts.images + parts.characters + parts.audioMs + parts.searches;
  return pieces === 0 && (rates.input !== undefined || rates.output !== undefined) ? sum : undefined;
}

function pricedByPiece(units: UnitRates): boolean {
  return unitPricesOf(units).some((price) => price !== undefined);
}

/**
 * Usage in parts that add up to its totals: a provider that counts a token in two subsets (a cached audio token) or
 * more in a subset than in the whole cannot make a part negative.
 */
function partsOf(usage: Usage): Parts {
  const input = new Remainder(usage.input);
  const cachedInput = input.take(usage.cachedInput);
  const written = input.take(usage.cacheWriteInput);
  const cacheWriteLong = Math.min(count(usage.cacheWriteLongInput), written);
  const output = new Remainder(usage.output);
  return {
    tokens: {
      cachedInput,
      cacheWriteLong,
      cacheWrite: written - cacheWriteLong,
      audioInput: input.take(usage.audioInput),
      imageInput: input.take(usage.imageInput),
      input: input.left,
      audioOutput: output.take(usage.audioOutput),
      imageOutput: output.take(usage.imageOutput),
      reasoning: output.take(usage.reasoning),
      output: output.left,
    },
    images: count(usage.images),
    characters: count(usage.characters),
    audioMs: count((usage.audioSeconds ?? 0) * 1_000),
    searches: count(usage.searches),
  };
}

/** What is left of a total when its parts are taken off, each as far as there is so much. */
class Remainder {
  left: number;

  constructor(whole: number) {
    this.left = count(whole);
  }

  take(part: number | undefined): number {
    const taken = Math.min(count(part), this.left);
    this.left -= taken;
    return taken;
  }
}

function worstParts(list: PriceList, schedule: Schedule, rates: TokenRates, facts: ReserveFacts): Parts {
  const mayCache = facts.mayWriteCache !== false;
  const mayHear = facts.mayUseAudio !== false;
  let input = dearest(rates, readClasses);
  if (mayCache) input = dearest(rates, writtenClasses, input);
  if (mayHear) input = dearest(rates, heardClasses, input);
  let output = dearest(rates, madeClasses);
  if (mayHear) output = dearest(rates, spokenClasses, output);
  const images = facts.images ?? (facts.operation.startsWith('images.') ? 1 : 0);
  const outputTokens = Math.max(facts.outputTokens, images * tokensOfImage(list, facts));
  const tokens: { -readonly [name in keyof Parts['tokens']]: number } = {};
  if (input !== undefined) tokens[input] = count(facts.inputTokens);
  if (output !== undefined) tokens[output] = count(outputTokens);
  return {
    tokens,
    images: schedule.units.images.length > 0 ? count(images) : 0,
    characters: count(facts.characters),
    audioMs: count((facts.audioSeconds ?? 0) * 1_000),
    searches: count(facts.searches),
  };
}

type TokenClass = keyof TokenRates;

const tokenClasses: readonly TokenClass[] = [
  'cachedInput',
  'cacheWriteLong',
  'cacheWrite',
  'audioInput',
  'imageInput',
  'input',
  'audioOutput',
  'imageOutput',
  'reasoning',
  'output',
];

const readClasses: readonly TokenClass[] = ['input', 'cachedInput', 'imageInput'];
const writtenClasses: readonly TokenClass[] = ['cacheWrite', 'cacheWriteLong'];
const heardClasses: readonly TokenClass[] = ['audioInput'];
const madeClasses: readonly TokenClass[] = ['output', 'reasoning', 'imageOutput'];
const spokenClasses: readonly TokenClass[] = ['audioOutput'];

/** The class with the highest price, `best` included; `undefined` when none has one. */
function dearest(rates: TokenRates, classes: readonly TokenClass[], best?: TokenClass): TokenClass | undefined {
  for (const name of classes) {
    const rate = rates[name];
    if (rate !== undefined && (best === undefined || rate > rates[best]!)) best = name;
  }
  return best;
}

function scheduleOf(list: PriceList, serviceTier: string | undefined): Schedule {
  return (serviceTier === undefined ? undefined : list.byServiceTier.get(serviceTier)) ?? list.standard;
}

function ratesAt(schedule: Schedule, inputTokens: number): TokenRates {
  let rates = schedule.base;
  for (const tier of schedule.tiers) if (inputTokens > tier.above) rates = tier.rates;
  return rates;
}

/** The line for what was asked; what was not said, or is `auto`, is as in the first line. */
function priceOfImage(lines: readonly ImagePrice[], kind: ImageKind): Femto | undefined {
  const usual = lines[0];
  if (usual === undefined) return undefined;
  const size = said(kind.imageSize) ?? usual.size;
  const quality = said(kind.imageQuality) ?? usual.quality;
  return lines.find(
    (line) =>
      (line.size === undefined || line.size === size) && (line.quality === undefined || line.quality === quality),
  )?.price;
}

function tokensOfImage(list: PriceList, kind: ImageKind): number {
  const size = said(kind.imageSize);
  const quality = said(kind.imageQuality);
  let most = 0;
  for (const line of list.imageTokens) {
    const fits =
      (size === undefined || line.size === undefined || line.size === size) &&
      (quality === undefined || line.quality === quality);
    if (fits) most = Math.max(most, line.tokens);
  }
  return most;
}

function said(value: string | undefined): string | undefined {
  return value === 'auto' ? undefined : value;
}

import {
  type AttemptRecord,
  chain,
  GatewayError,
  isThenable,
  type MaybePromise,
  type Outcome,
  type Provider,
  type RoutedExchange,
  type Target,
} from '../../plugin-sdk/index.ts';
import type { Account } from '../../plugin-sdk/ports/ledger.ts';
import { costSlot, type ModelSize, type PricedCall, type Prices } from '../../plugin-sdk/ports/prices.ts';
import { type Amounts, measures } from './accounts.ts';
import { type Charge, oneCall } from './charge.ts';
import { type Used, usedBy } from './usage.ts';

const noSize: ModelSize = {};

export type Cost = Readonly<Record<'nano-usd' | 'tokens', number>>;

/**
 * The most that one attempt at a target can use, `output` tokens per answer where the request states no limit and nothing
 * else was settled. Throws GatewayError LIMIT_PRICE_UNKNOWN.
 */
export function mostAt(
  charge: Charge,
  target: Target,
  accounts: readonly Account[],
  prices: Prices,
  output = charge.outputLimit,
): MaybePromise<Amounts> {
  if (charge.isReading || !measures(accounts)) return oneCall;
  const call = charge.callAt(target);
  return chain(prices.sizeOf?.(call) ?? noSize, (size) => {
    const bounds = charge.boundsAt(size, output);
    const tokens = bounds.inputTokens + bounds.outputTokens;
    if (!accounts.some(({ unit }) => unit === 'nano-usd')) return { ...oneCall, tokens };
    const { images, characters, audioSeconds } = charge.estimate;
    const { inputTokens, outputTokens } = bounds;
    const facts = { ...call, inputTokens, outputTokens, images, characters, audioSeconds };
    return chain(prices.reserve(facts), (price) => {
      if (price !== 'unknown') return { ...oneCall, tokens, 'nano-usd': price.nanoUsd };
      if (prices.unknown === 'allow') return { ...oneCall, tokens };
      throw new GatewayError(
        'LIMIT_PRICE_UNKNOWN',
        { provider: target.provider, model: target.model },
        { retry: 'next-target' },
      );
    });
  });
}

/**
 * The most at the dearest target. Drops targets behind the first whose price is not known, since a fallback to them
 * could not be paid. Throws GatewayError LIMIT_PRICE_UNKNOWN for the first.
 */
export function mostAtAny(
  charge: Charge,
  exchange: RoutedExchange,
  accounts: readonly Account[],
  prices: Prices,
  output = charge.outputLimit,
): MaybePromise<Amounts> {
  const { targets } = exchange;
  const first = mostAt(charge, targets[0]!, accounts, prices, output);
  if (targets.length === 1 || charge.isReading || !measures(accounts)) return first;
  const known: Target[] = [targets[0]!];
  const next = (place: number, most: Amounts): MaybePromise<Amounts> => {
    const target = targets[place];
    if (target === undefined) {
      if (known.length < targets.length) exchange.setTargets(known);
      return most;
    }
    return chain(mostOrNone(charge, target, accounts, prices, output), (amounts) => {
      if (amounts === undefined) return next(place + 1, most);
      known.push(target);
      return next(place + 1, {
        ...most,
        tokens: Math.max(most.tokens, amounts.tokens),
        'nano-usd': Math.max(most['nano-usd'], amounts['nano-usd']),
      });
    });
  };
  return chain(first, (most) => next(1, most));
}

/** {@link mostAt}; `undefined` instead of an error when the price is not known. */
function mostOrNone(...of: Parameters<typeof mostAt>): MaybePromise<Amounts | undefined> {
  const orNone = (error: unknown): undefined => {
    if (error instanceof GatewayError && error.code === 'LIMIT_PRICE_UNKNOWN') return undefined;
    throw error;
  };
  try {
    const most = mostAt(...of);
    return isThenable(most) ? (most as Promise<Amounts>).catch(orNone) : most;
  } catch (error) {
    return orNone(error);
  }
}

/** Output tokens per answer: a limit that every target accepts, and the most that any of them gives. */
export function outputAtAny(
  charge: Charge,
  targets: readonly Target[],
  prices: Prices,
): MaybePromise<{ readonly accepted: number; readonly most: number }> {
  const next = (place: number, accepted: number, most: number): MaybePromise<{ accepted: number; most: number }> => {
    const target = targets[place];
    if (target === undefined) return { accepted, most };
    return chain(prices.sizeOf?.(charge.callAt(target)) ?? noSize, (size) => {
      return next(place + 1, Math.min(accepted, charge.acceptedOutput(size)), Math.max(most, charge.mostOutput(size)));
    });
  };
  return next(0, Number.POSITIVE_INFINITY, 0);
}

/**
 * What each attempt used, by its number. Where one attempt paid for all, the ledger is charged what the record of the
 * exchange says.
 */
export function costsOf(
  charge: Charge,
  exchange: RoutedExchange,
  outcome: Outcome,
  prices: Prices,
  providers: ReadonlyMap<string, Provider>,
): MaybePromise<Map<number, Cost>> {
  const used: (Used & { readonly record: AttemptRecord })[] = [];
  for (const record of outcome.attempts) {
    const found = usedBy(record, exchange, outcome, charge, providers.get(record.provider));
    if (found !== undefined) used.push({ record, ...found });
  }
  const costs = new Map<number, Cost>();
  const recorded = exchange.get(costSlot);
  const alone = used.length === 1 && !used[0]!.estimated && typeof recorded === 'object' ? recorded : undefined;
  const next = (place: number): MaybePromise<Map<number, Cost>> => {
    const one = used[place];
    if (one === undefined) return costs;
    const { record, usage } = one;
    return chain(alone ?? prices.cost({ ...callOfRecord(charge, exchange, record), usage }), (cost) => {
      costs.set(record.number, {
        'nano-usd': cost === 'unknown' ? 0 : cost.nanoUsd,
        tokens: usage.input + usage.output,
      });
      return next(place + 1);
    });
  };
  return next(0);
}

function callOfRecord(charge: Charge, exchange: RoutedExchange, record: AttemptRecord): PricedCall {
  const { provider, model, key, usage } = record;
  const call = charge.callAt(record);
  const otherModels: string[] = [];
  for (const target of exchange.targets)
    if (target.provider === provider && target.model !== model) otherModels.push(target.model);
  return {
    ...call,
    otherModels,
    serviceTier: usage?.serviceTier ?? call.serviceTier,
    key,
  };
}

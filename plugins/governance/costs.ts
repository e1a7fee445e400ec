import {
  type AttemptRecord,
  chain,
  GatewayError,
  type MaybePromise,
  type Outcome,
  type RoutedExchange,
  type Target,
} from '../../plugin-sdk/index.ts';
import type { Account } from '../../plugin-sdk/ports/ledger.ts';
import { costSlot, type PricedCall, type Prices } from '../../plugin-sdk/ports/prices.ts';
import type { Amounts } from './accounts.ts';
import { type Charge, oneCall } from './charge.ts';
import { usedBy } from './usage.ts';

export type Cost = Readonly<Record<'nano-usd' | 'tokens', number>>;

/** The most that one attempt at a target can use. Throws GatewayError LIMIT_PRICE_UNKNOWN. */
export function mostAt(
  charge: Charge,
  target: Target,
  accounts: readonly Account[],
  prices: Prices,
): MaybePromise<Amounts> {
  if (charge.isReading || !accounts.some(({ unit }) => unit === 'tokens' || unit === 'nano-usd')) return oneCall;
  const { estimate } = charge;
  const tokens = estimate.inputTokens + estimate.outputTokens;
  if (!accounts.some(({ unit }) => unit === 'nano-usd')) return { ...oneCall, tokens };
  return chain(prices.reserve({ ...estimate, ...charge.callAt(target) }), (price) => {
    if (price !== 'unknown') return { ...oneCall, tokens, 'nano-usd': price.nanoUsd };
    if (prices.unknown === 'allow') return { ...oneCall, tokens };
    throw new GatewayError(
      'LIMIT_PRICE_UNKNOWN',
      { provider: target.provider, model: target.model },
      { retry: 'next-target' },
    );
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
): MaybePromise<Amounts> {
  const { targets } = exchange;
  const priced = accounts.some(({ unit }) => unit === 'nano-usd');
  const first = mostAt(charge, targets[0]!, accounts, prices);
  if (targets.length === 1 || !priced || charge.isReading) return first;
  const known: Target[] = [targets[0]!];
  const next = (place: number, most: Amounts): MaybePromise<Amounts> => {
    const target = targets[place];
    if (target === undefined) {
      if (known.length < targets.length) exchange.setTargets(known);
      return most;
    }
    return chain(prices.reserve({ ...charge.estimate, ...charge.callAt(target) }), (price) => {
      if (price === 'unknown' && prices.unknown !== 'allow') return next(place + 1, most);
      known.push(target);
      const dearer = price !== 'unknown' && price.nanoUsd > most['nano-usd'];
      return next(place + 1, dearer ? { ...most, 'nano-usd': price.nanoUsd } : most);
    });
  };
  return chain(first, (most) => next(1, most));
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
): MaybePromise<Map<number, Cost>> {
  const used = outcome.attempts.flatMap((record) => {
    const found = usedBy(record, exchange, outcome, charge);
    return found === undefined ? [] : [{ record, ...found }];
  });
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
  const others = exchange.targets.filter((target) => target.provider === provider && target.model !== model);
  return {
    ...charge.callAt(record),
    otherModels: others.map((target) => target.model),
    ...(usage?.serviceTier === undefined ? {} : { serviceTier: usage.serviceTier }),
    ...(key === undefined ? {} : { key }),
  };
}

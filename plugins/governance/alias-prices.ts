import { chain, type Host, type MaybePromise, type ProviderKey } from '../../plugin-sdk/index.ts';
import type { Entities } from '../../plugin-sdk/ports/entities.ts';
import type { ModelSize, Price, PricedCall, Prices } from '../../plugin-sdk/ports/prices.ts';
import { RuntimeKeys } from '../../plugin-sdk/ports/runtime-keys.ts';

/**
 * Prices for reservations, which are made before a key is chosen: a model that keys of the provider have an alias for may
 * be any of those that they stand for, and is reserved as the dearest and the largest of them.
 */
export function withAliases(prices: Prices, providers: Host['providers'], entities: Entities): Prices {
  const namesOf = aliasNames(providers, entities);
  return {
    ...(prices.unknown === undefined ? {} : { unknown: prices.unknown }),
    cost: (facts) => prices.cost(facts),
    reserve: (facts) =>
      overNames(facts, namesOf, (named): MaybePromise<Price | 'unknown'> => prices.reserve(named), dearer),
    sizeOf: (call) =>
      overNames(call, namesOf, (named): MaybePromise<ModelSize> => prices.sizeOf?.(named) ?? {}, larger),
  };
}

type NamesOf = (call: PricedCall) => MaybePromise<readonly string[] | undefined>;

/** Asks for each name that the model of a call may go by. Most have one, and are asked as they are. */
function overNames<C extends PricedCall, R>(
  call: C,
  namesOf: NamesOf,
  ask: (named: C) => MaybePromise<R>,
  most: (one: R, other: R) => R,
): MaybePromise<R> {
  return chain(namesOf(call), (names) => {
    const own = ask(call);
    if (names === undefined) return own;
    const { model, otherModels = [] } = call;
    return names.reduce(
      (found: MaybePromise<R>, name) =>
        chain(found, (one) =>
          chain(ask({ ...call, model: name, otherModels: [model, ...otherModels] }), (other) => most(one, other)),
        ),
      own,
    );
  });
}

/** What a model is called by keys that have an alias for it; `undefined` where none has. */
function aliasNames(providers: Host['providers'], entities: Entities): NamesOf {
  const read = new WeakMap<readonly ProviderKey[], ReadonlyMap<string, readonly string[]>>();
  const added = new RuntimeKeys(entities);
  const among = (keys: readonly ProviderKey[], model: string): readonly string[] | undefined => {
    let byAlias = read.get(keys);
    if (byAlias === undefined) {
      byAlias = readAliases(keys);
      read.set(keys, byAlias);
    }
    return byAlias.size === 0 ? undefined : byAlias.get(model.trim().toLowerCase());
  };
  return ({ provider, model }) => {
    const own = among(providers.get(provider)?.keys ?? noKeys, model);
    return chain(added.of(provider), (keys) => {
      const others = among(keys, model);
      return own === undefined || others === undefined ? (own ?? others) : [...own, ...others];
    });
  };
}

const noKeys: readonly ProviderKey[] = [];

function readAliases(keys: readonly ProviderKey[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, Set<string>>();
  for (const { aliases } of keys) {
    for (const [alias, name] of Object.entries(aliases)) {
      const lower = alias.trim().toLowerCase();
      names.set(lower, (names.get(lower) ?? new Set()).add(name));
    }
  }
  return new Map([...names].map(([alias, models]) => [alias, [...models]]));
}

function dearer(one: Price | 'unknown', other: Price | 'unknown'): Price | 'unknown' {
  if (one === 'unknown') return other;
  return other === 'unknown' || one.nanoUsd >= other.nanoUsd ? one : other;
}

/** What is not known of one of them is what is known of the other. */
function larger(one: ModelSize, other: ModelSize): ModelSize {
  const most: { -readonly [field in keyof ModelSize]: number } = {};
  for (const field of ['maxOutputTokens', 'contextWindow', 'ownInputTokens'] as const) {
    const size = Math.max(one[field] ?? 0, other[field] ?? 0);
    if (size > 0) most[field] = size;
  }
  return most;
}

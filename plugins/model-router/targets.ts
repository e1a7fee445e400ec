import type { Provider, Target } from '../../plugin-sdk/index.ts';
import type { TargetOption } from './options.ts';

export interface WeightedTarget {
  readonly target: (model: string) => Target;
  readonly weight: number;
}

/** Splits `provider/model` where the left side is a configured provider. */
export function splitModel(text: string, providers: ReadonlyMap<string, Provider>): Target | undefined {
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1 || !providers.has(text.slice(0, slash))) return undefined;
  return { provider: text.slice(0, slash), model: text.slice(slash + 1) };
}

/** A configured target, ready for use; a text without a provider goes to `defaultProvider`. */
export function prepareTarget(
  option: TargetOption,
  defaultProvider: string,
  providers: ReadonlyMap<string, Provider>,
): WeightedTarget {
  if (typeof option === 'string') {
    const fixed = splitModel(option, providers) ?? { provider: defaultProvider, model: option };
    return { target: () => fixed, weight: 1 };
  }
  const { provider, model, key, weight } = option;
  const rest = key === undefined ? {} : { key };
  return { target: (asked) => ({ provider, model: model ?? asked, ...rest }), weight };
}

/** Puts targets into the order in which they are tried: as they are, or one drawn by weight and then the others. */
export function orderTargets(
  targets: readonly WeightedTarget[],
  strategy: 'weighted' | 'ordered',
  model: string,
): Target[] {
  const ordered = targets.map(({ target }) => target(model));
  if (strategy === 'ordered' || targets.length < 2) return ordered;
  let ticket = Math.random() * targets.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = targets.findIndex(({ weight }) => (ticket -= weight) < 0);
  const [first] = ordered.splice(Math.max(0, drawn), 1);
  return [first!, ...ordered];
}

import type { ProviderKey } from '../../plugin-sdk/index.ts';

/** Names are compared without case: providers disagree about it. */
function isNamed(patterns: readonly string[], model: string): boolean {
  return patterns.some((pattern) => {
    const name = pattern.toLowerCase();
    return name.endsWith('*') ? model.startsWith(name.slice(0, -1)) : name === model;
  });
}

/** What the key's provider calls a model, by the key's own aliases; `undefined` when it has none for it. */
export function aliasOf(key: ProviderKey, model: string): string | undefined {
  const own = key.aliases[model];
  if (own !== undefined && Object.hasOwn(key.aliases, model)) return own;
  const lower = model.toLowerCase();
  return Object.entries(key.aliases).find(([name]) => name.trim().toLowerCase() === lower)?.[1];
}

/** Why a key may never serve a model; `undefined` when it may. A call that names no model is served by any key. */
export function refusal(key: ProviderKey, model: string): string | undefined {
  if (!key.enabled) return 'is disabled';
  if (model === '') return undefined;
  const lower = model.toLowerCase();
  if (isNamed(key.blockedModels, lower)) return `has ${model} among its blocked models`;
  // Whoever gives a key an alias means it to serve that name.
  return isNamed(key.models, lower) || aliasOf(key, model) !== undefined
    ? undefined
    : `does not have ${model} among its models`;
}

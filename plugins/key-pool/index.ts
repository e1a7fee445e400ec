import { z } from 'zod';
import { type Attempt, definePlugin, GatewayError, type Key, type Provider, type ProviderKey } from '../../plugin-sdk/index.ts';

/** Chooses among a provider's keys by weight. The last to be asked, so that every other plugin may decide first. */
export default definePlugin({
  name: 'plugins/key-pool',
  description: 'Chooses the key of each attempt among those that may serve its model.',
  options: z.strictObject({}),
  provides: ['keys'],
  setup: (_options, host) => ({
    hooks: {
      selectKey: {
        order: 'post',
        handler: (attempt: Attempt) => select(host.providers.get(attempt.target.provider), attempt),
      },
    },
  }),
});

const anonymous: Key = { name: 'none', value: undefined, settings: {} };

function select(provider: Provider | undefined, attempt: Attempt): Key | undefined {
  if (provider === undefined) return undefined;
  const { model } = attempt.target;
  if (provider.keys.length === 0 && provider.keyless) return attempt.triedKeys.has(anonymous.name) ? undefined : anonymous;
  const usable = provider.keys.filter((key) => key.enabled && serves(key, model) && !attempt.triedKeys.has(key.name));
  const total = usable.reduce((sum, key) => sum + key.weight, 0);
  let ticket = Math.random() * total;
  const chosen = usable.find((key) => (ticket -= key.weight) < 0) ?? usable[0];
  if (chosen === undefined) {
    const reason = provider.keys.length === 0 ? 'none is configured' : 'none is left that may serve it';
    throw new GatewayError('ROUTE_NO_KEY', { provider: provider.name, model, reason, advice: provider.keyAdvice });
  }
  const { name, value, settings, aliases } = chosen;
  const alias = aliases[model];
  return alias === undefined ? { name, value, settings } : { name, value, settings, model: alias };
}

function serves(key: ProviderKey, model: string): boolean {
  if (model === '') return true;
  return matches(key.models, model) && !matches(key.blockedModels, model);
}

function matches(patterns: readonly string[], model: string): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model));
}

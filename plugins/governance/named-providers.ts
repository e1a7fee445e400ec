import type { ProviderMention } from '../../plugin-sdk/index.ts';
import type { GovernanceOptions } from './options.ts';

/** The providers that virtual keys grant and that limits bound. */
export function* namedProviders({ virtualKeys, limits }: GovernanceOptions): Generator<ProviderMention> {
  for (const [i, { providers = [] }] of virtualKeys.entries())
    for (const [j, { provider }] of providers.entries()) yield { provider, path: ['virtualKeys', i, 'providers', j] };
  for (const [i, { provider }] of limits.entries())
    if (provider !== undefined) yield { provider, path: ['limits', i, 'provider'] };
}

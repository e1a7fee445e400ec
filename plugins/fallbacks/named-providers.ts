import type { ProviderMention } from '../../plugin-sdk/index.ts';

interface Rule {
  readonly provider?: string | undefined;
  /** `provider/model` each. */
  readonly fallbacks: readonly string[];
}

/** The providers that rules name: of the first target, and of the further ones. */
export function* namedProviders(rules: readonly Rule[]): Generator<ProviderMention> {
  for (const [i, { provider, fallbacks }] of rules.entries()) {
    if (provider !== undefined) yield { provider, path: ['rules', i, 'provider'] };
    for (const [j, text] of fallbacks.entries())
      yield { provider: text.slice(0, text.indexOf('/')), path: ['rules', i, 'fallbacks', j] };
  }
}

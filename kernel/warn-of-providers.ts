import { instanceName } from '../plugin-sdk/index.ts';
import { didYouMean, editDistance } from './config/did-you-mean.ts';
import type { Problems } from './config/problems.ts';
import type { PlannedPlugin } from './load-plugins.ts';

/**
 * Warns of options that name a provider which is not configured.
 *
 * @param configured Instance names, complete only when every plugin is set up.
 */
export function warnOfProviders(
  plugins: readonly PlannedPlugin[],
  configured: ReadonlySet<string>,
  problems: Problems,
): void {
  for (const { id, definition, options, implied } of plugins) {
    // What nobody wrote into the config nobody misspelt.
    if (implied) continue;
    try {
      for (const { provider, path, maybe } of definition.namesProviders?.(options as never) ?? []) {
        if (configured.has(provider)) continue;
        // Whoever writes a plugin's id means the name of its instance.
        const suggestion = didYouMean(instanceName(provider), configured);
        if (maybe === true && !isSlip(provider, suggestion)) continue;
        const part = path.at(-1) === provider ? 'key' : 'value';
        problems.warn(['plugins', id, ...path], `the provider ${provider} is not configured`, { suggestion, part });
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      problems.warn(['plugins', id], `the providers that its options name are not known: ${reason}`, { part: 'key' });
    }
  }
}

/** Publishers in model names are called much like providers, so only one letter of a long name may be wrong, or its case. */
function isSlip(written: string, meant: string | undefined): boolean {
  return meant !== undefined && written.length >= 5 && editDistance(written.toLowerCase(), meant.toLowerCase()) <= 1;
}

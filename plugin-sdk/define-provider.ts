import { z } from 'zod';
import { deferredAdapter } from './deferred-adapter.ts';
import { definePlugin, type PluginDefinition } from './define-plugin.ts';
import type { Host } from './host.ts';
import { loadOnUse } from './load-on-use.ts';
import type { Provider, ProviderKey } from './provider.ts';
import {
  isPrivateName,
  keyShape,
  keysFromEnvironment,
  settingsFromEnvironment,
  toProviderKey,
} from './provider-options.ts';

const counting = loadOnUse<typeof import('./dialects/estimated-count.ts')>(
  import.meta.url,
  './dialects/estimated-count',
);

/** Clients plan by what a request would use, also where the provider does not tell. */
const estimatedCount = deferredAdapter(() => counting().estimatedCount);

/** The options every provider has, plus its own. */
export interface CommonProviderOptions {
  readonly baseUrl: string;
  readonly keys: readonly ProviderKey[];
  readonly allowPrivateNetwork: boolean;
}

export interface ProviderDefinition<Own extends z.ZodRawShape, KeyFields extends z.ZodRawShape> {
  /** Its id, such as `providers/openai`. */
  readonly name: string;
  readonly description?: string;
  /** Origin, perhaps with a path prefix, without the API version. Absent: the config must name one. */
  readonly baseUrl?: string;
  /** OpenTelemetry's `gen_ai.provider.name`, where that is not the name in `name`; `instance` for each instance's own. */
  readonly genAiName?: string;
  /** Environment variables that hold its key by custom, first wins; read when the config names no keys. */
  readonly environment?: readonly string[];
  /** Settings of the key from the environment: field to environment variable. */
  readonly environmentSettings?: Readonly<Record<string, string>>;
  /** Keys from wherever else the provider's own tools look, when neither the config nor {@link environment} names one. */
  readonly otherKeys?: () => readonly ProviderKey[];
  /** What an operator without a key should set, where that is more than {@link environment}: the words after "Set". */
  readonly keySource?: string;
  /** Works without a key. */
  readonly keyless?: boolean;
  readonly options?: Own;
  /** Fields that its keys have beyond the common ones. */
  readonly keyFields?: KeyFields;
  readonly requires?: readonly string[];
  /** Makes the provider's own part from checked options. Throwing names a mistake in the options. */
  provider(
    options: CommonProviderOptions & z.output<z.ZodObject<Own>>,
    host: Host,
  ): ProviderPart | Promise<ProviderPart>;
}

/** What a provider says of itself beyond the common options. */
export type ProviderPart = Omit<Provider, 'name' | 'baseUrl' | 'keys' | 'keyless' | 'keyAdvice' | 'privateAddresses'> &
  Partial<Pick<Provider, 'baseUrl' | 'keys' | 'keyless' | 'privateAddresses'>> & {
    readonly teardown?: () => void | Promise<void>;
  };

/**
 * Defines a provider: a plugin whose only work is to say what it speaks, where it is and how a call is made. Sending,
 * deadlines, retries and translation stay in the kernel.
 */
export function defineProvider<
  const Own extends z.ZodRawShape = Record<never, never>,
  const KeyFields extends z.ZodRawShape = Record<never, never>,
>(definition: ProviderDefinition<Own, KeyFields>): PluginDefinition {
  const { name, description, environment = [], keySource = environment.join(' or '), keyless = false } = definition;
  const baseUrl = z
    .url({ protocol: /^https?$/ })
    .describe('Origin, perhaps with a path prefix, without the API version.');
  const options = z.strictObject({
    baseUrl: definition.baseUrl === undefined ? baseUrl : baseUrl.default(definition.baseUrl),
    keys: z
      .array(z.strictObject({ ...keyShape, ...definition.keyFields }))
      .superRefine(refuseSameNames)
      .optional()
      .describe(environment.length > 0 ? `Absent: ${environment.join(' or ')} from the environment.` : 'Its keys.'),
    allowPrivateNetwork: z.boolean().default(false).describe('Its host may resolve to a private address.'),
    ...definition.options,
  });
  return definePlugin({
    name,
    ...(description === undefined ? {} : { description }),
    options,
    requires: ['keys', ...(definition.requires ?? [])],
    async setup(values, host) {
      const given = values as unknown as { keys?: Parameters<typeof toProviderKey>[0][] } & CommonProviderOptions;
      const keys = given.keys === undefined ? customaryKeys(definition) : given.keys.map(toProviderKey);
      const common = { ...given, baseUrl: given.baseUrl.replace(/\/+$/, ''), keys };
      const { teardown, ...part } = await definition.provider(common as never, host);
      const instance = isPlace(host.plugin) ? instanceName(name) : instanceName(host.plugin);
      const provider: Provider = {
        name: instance,
        baseUrl: common.baseUrl,
        keys,
        keyless,
        genAiName: definition.genAiName === 'instance' ? instance : (definition.genAiName ?? instanceName(name)),
        keyAdvice:
          keySource !== ''
            ? `Set ${keySource}, or give ${host.plugin}.keys in the config.`
            : `Give ${host.plugin}.keys in the config.`,
        privateAddresses: given.allowPrivateNetwork || isPrivateName(common.baseUrl),
        ...part,
        adapters: { count_tokens: estimatedCount, ...part.adapters },
      };
      return { provider, ...(teardown === undefined ? {} : { teardown }) };
    },
  }) as unknown as PluginDefinition;
}

/** Keys of one name would share their health, and of two in one call only the first would be tried. */
function refuseSameNames(keys: readonly unknown[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [i, { name }] of (keys as readonly { readonly name: string }[]).entries()) {
    if (seen.has(name))
      context.addIssue({ code: 'custom', path: [i, 'name'], input: name, message: 'use a name that no other key has' });
    seen.add(name);
  }
}

function customaryKeys({
  environment = [],
  environmentSettings,
  otherKeys,
}: Pick<
  ProviderDefinition<never, never>,
  'environment' | 'environmentSettings' | 'otherKeys'
>): readonly ProviderKey[] {
  const found = keysFromEnvironment(environment, settingsFromEnvironment(environmentSettings));
  return found.length > 0 ? found : (otherKeys?.() ?? []);
}

/** A path or a scoped package: no name that a model could begin with, since that ends at the first slash. */
function isPlace(plugin: string): boolean {
  return /^[./@]/.test(plugin) || /^file:/.test(plugin);
}

/** `providers/openai` serves `openai/…` models; any other config key is its own name. */
export function instanceName(plugin: string): string {
  return plugin.startsWith('providers/') ? plugin.slice('providers/'.length) : plugin;
}

import type { z } from 'zod';
import type { Host } from './host.ts';
import type { JsonObject } from './json.ts';
import type { PortBinding } from './ports.ts';
import type { Provider } from './provider.ts';
import type { Route } from './route.ts';
import type { PluginHooks } from './signatures.ts';

/** A plugin's options: a zod object (use `z.strictObject`) or a JSON Schema. */
export type OptionsSchema = z.ZodType | JsonObject;

export type OptionsOf<S extends OptionsSchema> = S extends z.ZodType ? z.output<S> : JsonObject;

export interface PluginDefinition<S extends OptionsSchema = OptionsSchema> {
  /** Its id, such as `plugins/governance`; a third party's package name. */
  readonly name: string;
  /** One sentence for `bifrost-kernel plugins`. */
  readonly description?: string;
  readonly options: S;
  /** Plugins or capabilities that run before this one in every hook, wherever both are loaded. */
  readonly after?: readonly string[];
  /** Plugins or capabilities without which this one cannot work; also run before it. */
  readonly requires?: readonly string[];
  /** Capabilities that this plugin brings, such as `port:ledger`. Its own name is always one. */
  readonly provides?: readonly string[];
  /** Milliseconds that each of its hooks may take where the config says nothing: for a plugin that waits for others. */
  readonly hookTimeoutMs?: number;
  /**
   * The providers that its options name. One that is not configured is warned of at the start and by `check`, never
   * refused: a config may be shared by places with different providers.
   */
  namesProviders?(options: OptionsOf<S>): Iterable<ProviderMention>;
  /** Called once per generation, in order. Throwing stops the start and rolls back what was set up. */
  setup(options: OptionsOf<S>, host: Host): PluginInstance | Promise<PluginInstance>;
}

/** A place in a plugin's options that names a provider. */
export interface ProviderMention {
  /** Instance name. */
  readonly provider: string;
  /** Where it stands in the options; ends with the name itself where that is a key. */
  readonly path: readonly (string | number)[];
  /** True: it may as well be part of a model's name, so that only a slip of the pen in a configured name is warned of. */
  readonly maybe?: boolean;
}

/** For `namesProviders` of options that have something for each provider, by its name, under `providers`. */
export function providersAsKeys(options: { readonly providers: Readonly<Record<string, unknown>> }): ProviderMention[] {
  return Object.keys(options.providers).map((provider) => ({ provider, path: ['providers', provider] }));
}

/** What a plugin contributes, as data. */
export interface PluginInstance {
  readonly hooks?: PluginHooks;
  readonly routes?: readonly Route[];
  readonly provider?: Provider;
  readonly ports?: readonly PortBinding[];
  /** Commands of the binary: `bifrost-kernel NAME`, run with everything set up and nothing listening. */
  readonly commands?: Readonly<Record<string, PluginCommand>>;
  /**
   * Frees what `setup` took. Called once, in reverse order, after the last exchange of the generation ended. When the gateway
   * closes, one that takes more than ten seconds is left behind; after a reload it may take its time.
   */
  teardown?(): void | Promise<void>;
}

/** Work for an operator's shell. Throwing a GatewayError shows its text and exits with 78. */
export type PluginCommand = (args: readonly string[], print: (line: string) => void) => Promise<void>;

/**
 * Defines a plugin. Ten lines make one:
 *
 * ```ts
 * export default definePlugin({
 *   name: 'hello',
 *   options: z.strictObject({ greeting: z.string().default('hello') }),
 *   setup: (options) => ({
 *     hooks: { preRoute: (exchange) => exchange.setReplyHeader('x-greeting', options.greeting) },
 *   }),
 * });
 * ```
 */
export function definePlugin<const S extends OptionsSchema>(definition: PluginDefinition<S>): PluginDefinition<S> {
  return definition;
}

import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire, findPackageJSON } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CatalogueEntry, GatewayError, isGatewayError, type PluginDefinition } from '../plugin-sdk/index.ts';
import { checkOptions } from './config/check-options.ts';
import type { PluginEntry } from './config/config.ts';
import { didYouMean } from './config/did-you-mean.ts';
import type { LoadedConfig } from './config/load-config.ts';
import { importFailure, importPlugin } from './import-plugin.ts';
import { order } from './order.ts';

/** A plugin that will run: its definition, its checked options and what the operator chose for it. */
export interface PlannedPlugin {
  /** Its key in the config. */
  readonly id: string;
  readonly definition: PluginDefinition;
  readonly options: unknown;
  readonly entry: Pick<PluginEntry, 'failOpen' | 'hookTimeoutMs'>;
  /** Loaded because another plugin needs it, not because the config names it. */
  readonly implied: boolean;
  readonly after: readonly string[];
  readonly requires: readonly string[];
  readonly provides: readonly string[];
}

/**
 * Finds, loads, checks and orders the plugins of a config, and those they need. Every problem of every plugin is reported
 * at once. Throws GatewayError CFG_INVALID, PLUGIN_MISSING, PLUGIN_CYCLE.
 */
export async function loadPlugins(
  loaded: LoadedConfig,
  catalogue: readonly CatalogueEntry[],
): Promise<PlannedPlugin[]> {
  const { config, problems } = loaded;
  const forbidden = new Set<string>();
  const named: [string, PluginEntry][] = [];
  for (const [id, entry] of Object.entries(config.plugins)) {
    if (entry === false) forbidden.add(id);
    else named.push([id, entry]);
  }
  const found = await Promise.all(named.map(([id, entry]) => planNamed(id, entry, loaded, catalogue)));
  const planned = found.filter((plugin) => plugin !== undefined);
  problems.throwIfAny();
  await addImplied(planned, catalogue, forbidden, loaded);
  problems.throwIfAny();
  return order(planned);
}

async function planNamed(id: string, entry: PluginEntry, loaded: LoadedConfig, catalogue: readonly CatalogueEntry[]) {
  let definition: PluginDefinition;
  try {
    definition = await findDefinition(entry.use ?? id, loaded.baseDir, catalogue);
  } catch (error) {
    const message = isGatewayError(error) ? error.text : importFailure(error as Error);
    loaded.problems.add(['plugins', id], message, { part: 'key' });
    return undefined;
  }
  const options = await checkOptions({
    plugin: id,
    schema: definition.options,
    options: entry.options,
    problems: loaded.problems,
  });
  return plan(id, definition, options, entry, false);
}

/** Loads, with defaults, what planned plugins need and the config does not name. `false` in the config forbids that. */
async function addImplied(
  planned: PlannedPlugin[],
  catalogue: readonly CatalogueEntry[],
  forbidden: ReadonlySet<string>,
  loaded: LoadedConfig,
) {
  for (let i = 0; i < planned.length; i++) {
    for (const capability of planned[i]!.requires) {
      if (planned.some((plugin) => plugin.provides.includes(capability))) continue;
      const entry = catalogue.find(
        ({ id, provides }) => !forbidden.has(id) && (id === capability || provides?.includes(capability)),
      );
      if (entry === undefined) continue;
      const { default: definition } = await entry.load();
      const options = await checkOptions({
        plugin: entry.id,
        schema: definition.options,
        options: {},
        problems: loaded.problems,
      });
      planned.push(plan(entry.id, definition, options, { failOpen: false }, true));
    }
  }
}

function plan(
  id: string,
  definition: PluginDefinition,
  options: unknown,
  entry: PlannedPlugin['entry'],
  implied: boolean,
): PlannedPlugin {
  return {
    id,
    definition,
    options,
    entry,
    implied,
    after: definition.after ?? [],
    requires: definition.requires ?? [],
    provides: [...new Set([id, definition.name, ...(definition.provides ?? [])])],
  };
}

/** A shipped id, a path relative to the config, or a package that the config's folder can import. */
export async function findDefinition(
  use: string,
  baseDir: string,
  catalogue: readonly CatalogueEntry[],
): Promise<PluginDefinition> {
  const shipped = catalogue.find(({ id }) => id === use);
  if (shipped !== undefined) return (await shipped.load()).default;
  const isPath = use.startsWith('.') || isAbsolute(use);
  const file = isPath ? resolve(baseDir, use) : resolvePackage(use, baseDir);
  if (file === undefined) {
    const guess = didYouMean(
      use,
      catalogue.map(({ id }) => id),
    );
    const suggestion =
      guess === undefined
        ? 'It is no shipped plugin, no path and no package beside the config; a name of your own needs `use`.'
        : `Did you mean ${guess}?`;
    throw new GatewayError('PLUGIN_UNKNOWN', { plugin: use, suggestion });
  }
  const found = isPath ? await stat(file).catch(() => undefined) : undefined;
  if (isPath && found === undefined)
    throw new GatewayError('PLUGIN_UNKNOWN', { plugin: use, suggestion: `There is no file ${file}.` });
  // A changed file is loaded anew at the next reload, although modules are cached by address.
  const version = found === undefined ? '' : `?v=${found.mtimeMs}`;
  const module = (await importPlugin(pathToFileURL(file).href + version)) as { default?: PluginDefinition };
  const definition = module.default;
  const reason = unusable(definition);
  if (reason !== undefined) throw new GatewayError('PLUGIN_MALFORMED', { plugin: use, reason });
  return definition as PluginDefinition;
}

function resolvePackage(name: string, baseDir: string): string | undefined {
  const from = join(baseDir, 'config');
  try {
    return createRequire(from).resolve(name);
  } catch {
    // A package that exports only for `import` is not found by `require`.
    const manifest = manifestOf(name, from);
    if (manifest === undefined) return undefined;
    const { exports } = JSON.parse(readFileSync(manifest, 'utf8')) as { exports?: PackageExports };
    const main = typeof exports === 'string' ? exports : (exports?.['.'] ?? exports?.import ?? exports?.default);
    const path = typeof main === 'object' ? (main.import ?? main.default) : main;
    return path === undefined ? undefined : join(dirname(manifest), path);
  }
}

function manifestOf(name: string, from: string): string | undefined {
  try {
    return findPackageJSON(name, pathToFileURL(from));
  } catch {
    return undefined;
  }
}

type PackageExports =
  | string
  | { '.'?: string | { import?: string; default?: string }; import?: string; default?: string };

function unusable(definition: unknown): string | undefined {
  if (typeof definition !== 'object' || definition === null)
    return 'it has no default export; export the result of definePlugin() as default';
  const { name, options, setup } = definition as Partial<PluginDefinition>;
  if (typeof name !== 'string' || name === '') return 'it has no name';
  if (typeof setup !== 'function') return 'it has no setup function';
  return options === undefined ? 'it declares no options schema' : undefined;
}

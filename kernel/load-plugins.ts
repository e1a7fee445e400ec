import { type CatalogueEntry, isGatewayError, type PluginDefinition } from '../plugin-sdk/index.ts';
import { checkOptions } from './config/check-options.ts';
import type { PluginEntry } from './config/config.ts';
import { didYouMean, editDistance } from './config/did-you-mean.ts';
import type { LoadedConfig } from './config/load-config.ts';
import type { Problems } from './config/problems.ts';
import { findDefinition } from './find-definition.ts';
import { importFailure } from './import-plugin.ts';
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
 * at once. Throws GatewayError CFG_INVALID, PLUGIN_CYCLE.
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
  reportMissing(planned, catalogue, forbidden, problems);
  problems.throwIfAny();
  warnOfSlips(planned, catalogue, problems);
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
      const entry = catalogue.find((shipped) => !forbidden.has(shipped.id) && brings(shipped, capability));
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

function brings({ id, provides }: CatalogueEntry, capability: string): boolean {
  return id === capability || provides?.includes(capability) === true;
}

/** What planned plugins require and nobody provides, at the `false` that forbids it where there is one. */
function reportMissing(
  planned: readonly PlannedPlugin[],
  catalogue: readonly CatalogueEntry[],
  forbidden: ReadonlySet<string>,
  problems: Problems,
) {
  for (const { id, requires } of planned) {
    for (const capability of requires) {
      if (planned.some(({ provides }) => provides.includes(capability))) continue;
      const message = `${id} requires ${capability}, which nothing in the config provides`;
      const off = catalogue.find((shipped) => forbidden.has(shipped.id) && brings(shipped, capability));
      if (off === undefined) problems.add(['plugins', id], `${message}; add a plugin that does`, { part: 'key' });
      else problems.add(['plugins', off.id], `${message} while this is false`);
    }
  }
}

/** Most letters that are wrong in a name that was meant to be another. */
const slipLetters = 2;

/** Warns of an `after` that is nearly a name. Others may be of plugins that this config does without. */
function warnOfSlips(planned: readonly PlannedPlugin[], catalogue: readonly CatalogueEntry[], problems: Problems) {
  const names = new Set([...catalogue.map(({ id }) => id), ...planned.flatMap(({ provides }) => provides)]);
  for (const { id, after } of planned) {
    for (const name of after) {
      const suggestion = names.has(name) ? undefined : didYouMean(name, names);
      if (suggestion === undefined || editDistance(name, suggestion) > slipLetters) continue;
      problems.warn(['plugins', id], `it runs after ${name}, which nothing is called`, { suggestion, part: 'key' });
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

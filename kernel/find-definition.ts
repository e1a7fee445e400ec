import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire, findPackageJSON } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CatalogueEntry, GatewayError, type PluginDefinition } from '../plugin-sdk/index.ts';
import { didYouMean } from './config/did-you-mean.ts';
import { importPlugin } from './import-plugin.ts';

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
  const { name, options, setup, ...more } = definition as Partial<PluginDefinition>;
  if (typeof name !== 'string' || name === '') return 'it has no name';
  if (typeof setup !== 'function') return 'it has no setup function';
  if (options === undefined) return 'it declares no options schema';
  for (const list of ['after', 'requires', 'provides'] as const) {
    const names: unknown = more[list] ?? [];
    if (!Array.isArray(names) || !names.every((one) => typeof one === 'string'))
      return `${list} must be a list of names; of a port, its \`capability\``;
  }
  return undefined;
}

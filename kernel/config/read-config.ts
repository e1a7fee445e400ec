import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { GatewayError } from '../../plugin-sdk/errors.ts';
import { type ConfigOrigin, type LoadedConfig, loadConfig } from './load-config.ts';
import { Problems } from './problems.ts';
import { readFailure } from './read-failure.ts';
import { parseSource } from './source-tree.ts';

const usualNames = ['bifrost.jsonc', 'bifrost.json', 'bifrost.config.ts'];
export const defaultConfigFile = fileURLToPath(new URL('../default.config.jsonc', import.meta.url));
const moduleExtensions = new Set(['.ts', '.mts', '.js', '.mjs']);

type Surroundings = Pick<ConfigOrigin, 'cwd' | 'environment'>;

/**
 * Reads a config: JSON with comments and trailing commas, or a module whose default export is the config or a
 * (perhaps async) function giving it. Without a path, the first of `bifrost.jsonc`, `bifrost.json` and
 * `bifrost.config.ts` in the working directory, else the built-in default config.
 *
 * Problems of its content are in the result, so that those of the plugins can join them.
 *
 * @throws GatewayError CFG_UNREADABLE when there is no text or value to check, CFG_INVALID with every syntax error.
 */
export async function readConfig(
  path?: string,
  { cwd = process.cwd(), environment = process.env }: Partial<Surroundings> = {},
): Promise<LoadedConfig> {
  const origin = { ...locate(path, cwd), cwd, environment };
  try {
    return await readFrom(origin);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const reason = 'it nests too deeply, or in a circle';
    throw new GatewayError('CFG_UNREADABLE', { source: origin.source, reason }, { cause: error });
  }
}

async function readFrom(origin: ConfigOrigin & { readonly file: string }): Promise<LoadedConfig> {
  const { file, source } = origin;
  if (moduleExtensions.has(extname(file))) return loadConfig(await readModule(file, source), origin);

  const parsed = parseSource(await readText(file, source));
  const problems = new Problems(source);
  for (const { message, position } of parsed.syntaxErrors) problems.addInFile([], message, position);
  problems.throwIfAny();
  return loadConfig(parsed.value, { ...origin, parsed });
}

function locate(path: string | undefined, cwd: string): { file: string; source: string; baseDir: string } {
  const source = path ?? usualNames.find((name) => existsSync(resolve(cwd, name)));
  if (source === undefined) return { file: defaultConfigFile, source: basename(defaultConfigFile), baseDir: cwd };
  const file = resolve(cwd, source);
  return { file, source, baseDir: dirname(file) };
}

async function readText(file: string, source: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    throw new GatewayError('CFG_UNREADABLE', { source, reason: readFailure(error) }, { cause: error });
  }
}

async function readModule(file: string, source: string): Promise<unknown> {
  const url = pathToFileURL(file);
  try {
    const { mtimeMs, size } = await stat(file);
    // Modules are cached by URL; a changed file needs another one.
    url.search = `version=${mtimeMs}-${size}`;
  } catch (error) {
    throw new GatewayError('CFG_UNREADABLE', { source, reason: readFailure(error) }, { cause: error });
  }
  try {
    const { default: exported }: { default?: unknown } = await import(url.href);
    if (exported === undefined) throw new Error('it has no default export');
    return typeof exported === 'function' ? await exported() : exported;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
    throw new GatewayError('CFG_UNREADABLE', { source, reason }, { cause: error });
  }
}

import { resolve } from 'node:path';
import type { z } from 'zod';
import { isObject, type JsonObject } from '../../plugin-sdk/json.ts';
import { type Config, configShape } from './config.ts';
import { toJsonSchema } from './known-keys.ts';
import { withNumbers } from './numbers-of-references.ts';
import { Problems } from './problems.ts';
import { type ResolvedReferences, resolveReferences } from './references.ts';
import type { ParsedSource, SourceTree } from './source-tree.ts';
import { addZodIssues, zodWording } from './zod-issues.ts';

export interface LoadedConfig {
  /** Usable for further checks also when there are problems: what is wrong is left out. */
  readonly config: Config;
  /** Name of the file to print. */
  readonly source: string;
  /** Folder that relative paths in the config start from. */
  readonly baseDir: string;
  /** Where everything stands in the file; absent for a `.ts` config and for a value. */
  readonly tree: SourceTree | undefined;
  /** What is wrong so far. Add the plugins' problems, then `throwIfAny()`. */
  readonly problems: Problems;
  /** The config file and the files that it refers to, absolute, to be watched. */
  readonly files: readonly string[];
}

export interface ConfigOrigin {
  readonly source: string;
  readonly baseDir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder that BIFROST_DATA_DIR is relative to. */
  readonly cwd: string;
  readonly file?: string;
  readonly parsed?: Pick<ParsedSource, 'tree' | 'duplicates'>;
}

/** Replaces references in a config value and checks its top level. Problems are collected, not thrown. */
export function loadConfig(value: unknown, origin: ConfigOrigin): LoadedConfig {
  const { source, baseDir, environment, cwd, file, parsed } = origin;
  const references = resolveReferences(value, { baseDir, environment });
  const problems = new Problems(source, parsed?.tree, references);
  for (const { path, position, firstLine } of parsed?.duplicates ?? []) {
    problems.addInFile(path, `this key stands here twice; the first is in line ${firstLine}`, position);
  }
  const { dataDir, ...checked } = checkTopLevel(references, problems);
  const fallback = environment['BIFROST_DATA_DIR'] ? resolve(cwd, environment['BIFROST_DATA_DIR']) : '.bifrost';
  return {
    config: { ...checked, dataDir: resolve(baseDir, dataDir ?? fallback) },
    source,
    baseDir,
    tree: parsed?.tree,
    problems,
    files: [...(file === undefined ? [] : [file]), ...references.files],
  };
}

function checkTopLevel(references: ResolvedReferences, problems: Problems): z.output<typeof configShape> {
  const asText = configShape.safeParse(references.value, zodWording);
  if (asText.success) return asText.data;
  const value = withNumbers(references, asText.error.issues);
  const result = configShape.safeParse(value, zodWording);
  if (result.success) return result.data;
  const { issues } = result.error;
  addZodIssues(issues, { value, base: [], schema: () => toJsonSchema(configShape), problems });
  return configShape.parse(withoutFaults(value, issues));
}

/** The members and plugin entries that no issue is about; the others get their defaults, so that checks can go on. */
function withoutFaults(value: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  if (!isObject(value)) return { plugins: {} };
  const plugins: JsonObject = { ...(isObject(value['plugins']) && value['plugins']) };
  const sound: JsonObject = { ...value, plugins };
  for (const issue of issues) {
    const [member, plugin] = issue.path;
    if (member === undefined && issue.code === 'unrecognized_keys') for (const key of issue.keys) delete sound[key];
    else if (member !== 'plugins') delete sound[String(member)];
    else if (plugin !== undefined) delete plugins[String(plugin)];
  }
  return sound;
}

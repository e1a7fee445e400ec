import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Path, pathKey } from './path.ts';
import { readFailure } from './read-failure.ts';

export interface ReferenceScope {
  /** Folder that `file:PATH` is relative to. */
  readonly baseDir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Where a value came from, such as `env.OPENAI_API_KEY`, and the value, which is never printed. */
export interface Origin {
  readonly label: string;
  readonly value: string;
}

/** A config value whose references are replaced, and what messages about it need to know. Paths are those in `value`. */
export interface ResolvedReferences {
  readonly value: unknown;
  /** By {@link pathKey}. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** References that could not be replaced; their text stands in `value` as it was. */
  readonly failures: readonly { readonly path: Path; readonly message: string }[];
  /** The files that references name, to be watched together with the config. */
  readonly files: readonly string[];
  /** The path as it is in the file: another one once an element was left out of a list. */
  sourcePath(path: Path): Path;
}

/**
 * Replaces `env.NAME` and `file:PATH` (without the newline at its end) wherever they are a whole string.
 *
 * `env.NAME?` may be unset. Its member is then left out, or the list element that it is. A list element whose
 * references are all optional and all unset goes too: a default config can so list a key that may not be there.
 * A variable set to the empty string counts as unset.
 */
export function resolveReferences(config: unknown, scope: ReferenceScope): ResolvedReferences {
  const origins = new Map<string, Origin>();
  const failures: { path: Path; message: string }[] = [];
  const files: string[] = [];
  const keptIndexes = new Map<string, readonly number[]>();

  function fill(value: unknown, path: Path): unknown {
    if (typeof value === 'string') return fillText(value, path);
    if (Array.isArray(value)) return fillList(value, path);
    if (!isPlainObject(value)) return value;
    const members = Object.entries(value).map(([name, member]) => {
      // Editors read this member, and `file:` is a URL to them.
      const isForEditors = name === '$schema' && path.length === 0;
      return [name, isForEditors ? member : fill(member, [...path, name])] as const;
    });
    return Object.fromEntries(members.filter(([, member]) => member !== undefined));
  }

  function fillList(list: readonly unknown[], path: Path): unknown[] {
    const kept = [...list.keys()].filter((index) => !isLeftOut(list[index], scope.environment));
    if (kept.length < list.length) keptIndexes.set(pathKey(path), kept);
    return kept.map((from, to) => fill(list[from], [...path, to]));
  }

  function fillText(text: string, path: Path): string | undefined {
    const reference = parseReference(text);
    if (reference === undefined) return text;
    const found = reference.kind === 'env' ? readVariable(reference.name) : readReferenced(reference.name);
    if ('value' in found) {
      origins.set(pathKey(path), { label: reference.label, value: found.value });
      return found.value;
    }
    if (reference.optional) return undefined;
    failures.push({ path, message: found.failure });
    return text;
  }

  function readVariable(name: string): { value: string } | { failure: string } {
    const value = scope.environment[name];
    return value ? { value } : { failure: `the environment variable ${name} is ${value === '' ? 'empty' : 'not set'}` };
  }

  function readReferenced(name: string): { value: string } | { failure: string } {
    const file = resolve(scope.baseDir, name);
    files.push(file);
    try {
      const value = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
      return value === '' ? { failure: `the file ${name} is empty` } : { value };
    } catch (error) {
      return { failure: `the file ${name} cannot be read: ${readFailure(error)}` };
    }
  }

  function sourcePath(path: Path): Path {
    return path.map((segment, depth) =>
      typeof segment === 'number' ? (keptIndexes.get(pathKey(path.slice(0, depth)))?.[segment] ?? segment) : segment,
    );
  }

  return { value: fill(config, []), origins, failures, files, sourcePath };
}

interface Reference {
  readonly kind: 'env' | 'file';
  readonly label: string;
  /** Name of the environment variable, or path of the file. */
  readonly name: string;
  readonly optional: boolean;
}

function parseReference(text: string): Reference | undefined {
  const variable = /^env\.([A-Za-z_]\w*)(\??)$/.exec(text);
  if (variable) return { kind: 'env', label: `env.${variable[1]}`, name: variable[1]!, optional: variable[2] === '?' };
  if (text.startsWith('file:')) return { kind: 'file', label: text, name: text.slice('file:'.length), optional: false };
  return undefined;
}

function isLeftOut(element: unknown, environment: ReferenceScope['environment']): boolean {
  const references = [...referencesIn(element)];
  return references.length > 0 && references.every(({ name, optional }) => optional && !environment[name]);
}

/** The references of one list element, those of lists inside it aside. */
function* referencesIn(value: unknown): Generator<Reference> {
  const reference = typeof value === 'string' ? parseReference(value) : undefined;
  if (reference) yield reference;
  if (isPlainObject(value)) for (const member of Object.values(value)) yield* referencesIn(member);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

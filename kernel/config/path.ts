/** Where a value stands in the config, from the top: `['plugins', 'routes/openai', 'keys', 0]`. */
export type Path = readonly (string | number)[];

/** A path as one writes it in code: `plugins["routes/openai"].keys[0]`; empty for the top. */
export function formatPath(path: Path): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'string' && /^[A-Za-z_$][\w$]*$/.test(segment))
      text += text === '' ? segment : `.${segment}`;
    else text += `[${JSON.stringify(segment)}]`;
  }
  return text;
}

/** The same text for the same path, for maps and sets. */
export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/** Whether the path of one {@link pathKey} is that of another or leads into it. */
export function isWithin(innerKey: string, outerKey: string): boolean {
  return innerKey === outerKey || outerKey === '[]' || innerKey.startsWith(`${outerKey.slice(0, -1)},`);
}

/** The value at a path inside `root`; undefined where there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Record<string | number, unknown>)[segment];
  }
  return value;
}

/** Paths as zod gives them may hold symbols; the config cannot. */
export function toPath(path: readonly PropertyKey[]): Path {
  return path.map((segment) => (typeof segment === 'symbol' ? String(segment) : segment));
}

import type { z } from 'zod';
import { pathKey, toPath } from './path.ts';
import type { ResolvedReferences } from './references.ts';

/**
 * The config with the digits of whole numbers read as numbers wherever a reference gave them and a schema finds fault
 * with the text: a reference can give nothing but text. The same value when there are none.
 */
export function withNumbers({ value, origins }: ResolvedReferences, issues: readonly z.core.$ZodIssue[]): unknown {
  let filled = value;
  for (const issue of issues) {
    const path = toPath(issue.path);
    const text = origins.get(pathKey(path))?.value;
    if (text !== undefined && /^\d{1,15}$/.test(text)) filled = withValue(filled, path, Number(text));
  }
  return filled;
}

/** `path` leads to a value. */
function withValue(root: unknown, [segment, ...rest]: ReturnType<typeof toPath>, value: unknown): unknown {
  if (segment === undefined) return value;
  const inner = withValue((root as Record<string | number, unknown>)[segment], rest, value);
  return Array.isArray(root) ? root.with(Number(segment), inner) : { ...(root as object), [segment]: inner };
}

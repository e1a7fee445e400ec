/** A name, a prefix with a trailing `*`, or `*` for all; case does not count. */
export function matchesPattern(pattern: string, name: string): boolean {
  const lower = pattern.toLowerCase();
  return lower.endsWith('*') ? name.toLowerCase().startsWith(lower.slice(0, -1)) : lower === name.toLowerCase();
}

/** True when a model is among these names; `*` stands for all, a trailing `*` for a prefix. */
export function matchesModel(patterns: readonly string[], model: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model,
  );
}

/** Whether a value is a target as far as it must be: a provider and a model, each by name. */
export function isTarget(value: unknown): boolean {
  const { provider, model } = (value ?? {}) as Record<string, unknown>;
  return typeof provider === 'string' && typeof model === 'string';
}

/**
 * Whose model a name means: `publishers/anthropic/models/claude-…`, `meta/llama-…`, or a bare name, where Claude is
 * Anthropic's and everything else (tuned endpoints too) Google's.
 */
export function publisherOf(model: string): string {
  const named = /^publishers\/([^/]+)\//.exec(model)?.[1];
  if (named !== undefined) return named;
  const slash = model.indexOf('/');
  const first = slash < 0 ? '' : model.slice(0, slash);
  if (slash > 0 && first !== 'projects' && first !== 'endpoints' && first !== 'models') return first;
  return model.startsWith('claude') ? 'anthropic' : 'google';
}

/** The version that Claude's body names on Vertex, where the header of Anthropic's own API does not exist. */
export const claudeVersion = 'vertex-2023-10-16';

/** The model's name without its publisher. */
export function bareName(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1);
}

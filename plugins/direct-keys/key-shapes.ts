/** How the keys of well-known providers begin, for a hint after a 401. Data: nothing is decided by it. */
const prefixes: readonly (readonly [provider: string, prefix: string])[] = [
  ['openai', 'sk-'],
  ['deepseek', 'sk-'],
  ['anthropic', 'sk-ant-'],
  ['openrouter', 'sk-or-'],
  ['gemini', 'AIza'],
  ['groq', 'gsk_'],
  ['xai', 'xai-'],
  ['perplexity', 'pplx-'],
  ['cerebras', 'csk-'],
  ['huggingface', 'hf_'],
  ['fireworks', 'fw_'],
];

/** Says what is odd about a key that a provider refused; `undefined` when nothing is. */
export function shapeHint(text: string, provider: string): string | undefined {
  const expected = prefixes.find(([name]) => name === provider)?.[1];
  const longest = prefixes.reduce(
    (length, [, prefix]) => (text.startsWith(prefix) ? Math.max(length, prefix.length) : length),
    0,
  );
  const owners = prefixes
    .filter(([, prefix]) => prefix.length === longest && text.startsWith(prefix))
    .map(([name]) => name);
  if (owners.includes(provider) || (expected === undefined && owners.length === 0)) return undefined;
  const expectation = expected === undefined ? '' : ` Keys of ${provider} start with ${expected}.`;
  const likeness = owners.length === 0 ? '' : ` This one looks like a key of ${owners.join(' or ')}.`;
  return `${expectation}${likeness}`.trim();
}

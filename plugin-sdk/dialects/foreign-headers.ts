import type { DialectId } from './dialect.ts';

/** Beginnings of request headers, with the formats that read them; what SDKs tell about themselves is for none. */
const readers: readonly (readonly [beginning: string, dialects: readonly string[]])[] = [
  ['x-stainless-', []],
  ['openai-', ['openai']],
  ['anthropic-', ['anthropic']],
  ['x-goog-', ['gemini', 'google']],
  ['x-amz', ['bedrock']],
];

/** True for a client's header (in lower case) that means nothing to a provider to which its call was translated. */
export function isForeignHeader(name: string, dialect: DialectId): boolean {
  const known = readers.find(([beginning]) => name.startsWith(beginning));
  return known !== undefined && !known[1].some((reader) => dialect.startsWith(reader));
}

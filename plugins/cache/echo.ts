import type { Carry, JsonObject, JsonValue } from '../../plugin-sdk/index.ts';
import type { CachedContent } from '../../plugin-sdk/ports/cache.ts';

/** Members of a request that its response repeats and that do not count as part of what is asked, with their absence. */
const repeated: Readonly<Record<string, JsonValue>> = {
  metadata: {},
  prompt_cache_key: null,
  prompt_cache_retention: null,
  safety_identifier: null,
  user: null,
};
const dialect = 'openai.responses';

/** The stored answer with the tags of the request that it now answers, never those of the one that it first did. */
export function withOwnTags(content: CachedContent, request: JsonObject): CachedContent {
  if (content.type === 'answer') return { ...content, answer: retagged(content.answer, request) };
  if (content.type === 'json') return content;
  const events = content.events.map((event) =>
    event.type === 'start' || event.type === 'finish' ? retagged(event, request) : event,
  );
  return { ...content, events };
}

function retagged<T extends { readonly carry?: Carry }>(carrier: T, request: JsonObject): T {
  const own = carrier.carry?.[dialect];
  const rest = own?.['$rest'];
  if (own === undefined || typeof rest !== 'object' || rest === null || Array.isArray(rest)) return carrier;
  const tagged = { ...rest };
  for (const [name, absent] of Object.entries(repeated)) if (name in rest) tagged[name] = request[name] ?? absent;
  return { ...carrier, carry: { ...carrier.carry, [dialect]: { ...own, $rest: tagged } } };
}

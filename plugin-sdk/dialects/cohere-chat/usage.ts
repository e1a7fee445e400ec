import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';

/**
 * `tokens` are what the model read and wrote, cached ones included; `billed_units` leave out what Cohere adds of its own
 * and stand in where there is nothing else (embeddings, rerank).
 */
export function decodeUsage(usage: JsonObject): Usage {
  const billed = isObject(usage['billed_units']) ? usage['billed_units'] : {};
  const tokens = isObject(usage['tokens']) ? usage['tokens'] : billed;
  return present({
    input: count(tokens['input_tokens']) ?? 0,
    output: count(tokens['output_tokens']) ?? 0,
    cachedInput: count(usage['cached_tokens']),
    searches: count(billed['search_units']),
    imageInput: count(billed['image_tokens']),
  });
}

/** `rest` is the usage object as it was read from this dialect. */
export function encodeUsage(usage: Usage, rest: JsonObject | undefined): JsonObject {
  const counts = { input_tokens: usage.input, output_tokens: usage.output };
  if (rest === undefined) return present({ billed_units: counts, tokens: counts, cached_tokens: usage.cachedInput });
  const key = isObject(rest['tokens']) ? 'tokens' : 'billed_units';
  const before = isObject(rest[key]) ? rest[key] : {};
  const result: JsonObject = { ...rest };
  const changed: JsonObject = { ...before };
  for (const [name, value] of Object.entries(counts)) if (value !== 0 || name in before) changed[name] = value;
  if (Object.keys(changed).length > 0) result[key] = changed;
  return result;
}

function count(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

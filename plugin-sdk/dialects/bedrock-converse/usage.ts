import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { unknownFields } from '../anthropic-messages/fields.ts';
import { present } from '../present.ts';

const known = new Set(['inputTokens', 'outputTokens', 'totalTokens', 'cacheReadInputTokens', 'cacheWriteInputTokens']);

/** Bedrock leaves the cache out of `inputTokens`; here the total includes it. */
export function decodeUsage(usage: JsonObject): Usage {
  const cached = count(usage.cacheReadInputTokens);
  const written = count(usage.cacheWriteInputTokens);
  const input = (count(usage.inputTokens) ?? 0) + (cached ?? 0) + (written ?? 0);
  const output = count(usage.outputTokens) ?? 0;
  const total = count(usage.totalTokens);
  return {
    input,
    output,
    ...present({
      total: total === input + output ? undefined : total,
      cachedInput: cached,
      cacheWriteInput: written,
      cacheWriteLongInput: longWrites(usage.cacheDetails),
    }),
  };
}

export function restOfUsage(usage: JsonObject): JsonObject | undefined {
  return unknownFields(usage, known);
}

export function encodeUsage(usage: Usage, read: JsonObject | undefined): JsonObject {
  const uncached = Math.max(usage.input - (usage.cachedInput ?? 0), 0);
  // Some proxies count the same tokens as read and written; the total is what must stay right.
  const written = usage.cacheWriteInput && Math.min(usage.cacheWriteInput, uncached);
  return present({
    inputTokens: uncached - (written ?? 0),
    outputTokens: usage.output,
    totalTokens: usage.total ?? usage.input + usage.output,
    cacheReadInputTokens: usage.cachedInput,
    cacheWriteInputTokens: written,
    ...read,
  });
}

function longWrites(details: JsonValue | undefined): number | undefined {
  if (!Array.isArray(details)) return undefined;
  const long = details.filter((entry) => isObject(entry) && entry.ttl === '1h') as JsonObject[];
  return long.reduce((sum, entry) => sum + (count(entry.inputTokens) ?? 0), 0);
}

function count(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

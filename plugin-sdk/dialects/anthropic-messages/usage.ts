import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import { unknownFields } from './fields.ts';

const known = new Set([
  ...['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens', 'cache_creation'],
  ...['output_tokens_details', 'server_tool_use', 'service_tier'],
]);

/** Anthropic leaves the cache out of `input_tokens`; here the total includes it. */
export function decodeUsage(usage: JsonObject): Usage {
  const cached = count(usage.cache_read_input_tokens);
  const written = count(usage.cache_creation_input_tokens);
  return {
    input: (count(usage.input_tokens) ?? 0) + (cached ?? 0) + (written ?? 0),
    output: count(usage.output_tokens) ?? 0,
    ...present({
      cachedInput: cached,
      cacheWriteInput: written,
      cacheWriteLongInput: countIn(usage.cache_creation, 'ephemeral_1h_input_tokens'),
      reasoning: countIn(usage.output_tokens_details, 'thinking_tokens'),
      searches: countIn(usage.server_tool_use, 'web_search_requests'),
    }),
  };
}

/** What a usage object says beyond {@link decodeUsage}, for the carry. */
export function restOfUsage(usage: JsonObject): JsonObject | undefined {
  const rest = unknownFields(usage, known);
  const { web_search_requests: _, ...serverTools } = isObject(usage.server_tool_use) ? usage.server_tool_use : {};
  const { thinking_tokens: __, ...details } = isObject(usage.output_tokens_details) ? usage.output_tokens_details : {};
  const left = present({
    ...rest,
    server_tool_use: Object.keys(serverTools).length === 0 ? undefined : serverTools,
    output_tokens_details: Object.keys(details).length === 0 ? undefined : details,
  });
  return Object.keys(left).length === 0 ? undefined : left;
}

/**
 * @param read What this dialect carried of the usage it read, or `undefined` for the usage of another format: then the
 * cache counts are stated even where nobody counted, as Anthropic's SDKs expect them.
 */
export function encodeUsage(usage: Usage, read: JsonObject | undefined): JsonObject {
  const cached = usage.cachedInput ?? 0;
  // Some proxies count the same tokens as read and written; the total is what must stay right.
  const written = Math.min(usage.cacheWriteInput ?? 0, Math.max(usage.input - cached, 0));
  const absent = read === undefined ? 0 : undefined;
  const long = usage.cacheWriteLongInput;
  return present({
    input_tokens: Math.max(usage.input - cached - written, 0),
    output_tokens: usage.output,
    cache_read_input_tokens: usage.cachedInput ?? absent,
    cache_creation_input_tokens: usage.cacheWriteInput === undefined ? absent : written,
    cache_creation:
      long === undefined ? undefined : { ephemeral_5m_input_tokens: written - long, ephemeral_1h_input_tokens: long },
    ...read,
    output_tokens_details: merged({ thinking_tokens: usage.reasoning }, read?.output_tokens_details),
    server_tool_use: merged({ web_search_requests: usage.searches }, read?.server_tool_use),
  });
}

function merged(counts: JsonObject, read: JsonValue | undefined): JsonObject | undefined {
  const all = present({ ...(isObject(read) ? read : {}), ...present(counts) });
  return Object.keys(all).length === 0 ? undefined : all;
}

function count(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function countIn(value: JsonValue | undefined, key: string): number | undefined {
  return isObject(value) ? count(value[key]) : undefined;
}

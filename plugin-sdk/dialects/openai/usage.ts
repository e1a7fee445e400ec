import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';

/**
 * Reads the usage of any OpenAI operation: chat and completions (`prompt_tokens`), responses, images and speech
 * (`input_tokens`), embeddings (no output), transcription by duration (`{type: "duration", seconds}`).
 * Cached and reasoning tokens are subsets of the totals, as {@link Usage} wants them.
 */
export function readUsage(value: JsonValue | undefined): Usage | undefined {
  if (!isObject(value)) return undefined;
  const seconds = number(value['seconds']);
  if (value['type'] === 'duration' && seconds !== undefined) return { input: 0, output: 0, audioSeconds: seconds };
  const input = number(value['prompt_tokens']) ?? number(value['input_tokens']);
  const output = number(value['completion_tokens']) ?? number(value['output_tokens']);
  const total = number(value['total_tokens']);
  if (input === undefined && output === undefined && total === undefined) return undefined;
  const inputDetails = details(value, 'prompt_tokens_details', 'input_tokens_details', 'input_token_details');
  const outputDetails = details(value, 'completion_tokens_details', 'output_tokens_details', 'output_token_details');
  const reasoning = number(outputDetails['reasoning_tokens']) ?? number(value['reasoning_tokens']);
  const stated = (input ?? 0) + (output ?? 0);
  // Perplexity and xAI leave reasoning out of the completion; their totals tell.
  const apart = reasoning !== undefined && total === stated + reasoning ? reasoning : 0;
  const sum = stated + apart;
  return present({
    input: input ?? 0,
    output: (output ?? 0) + apart,
    total: total === sum ? undefined : total,
    // DeepSeek and Mistral count cache hits outside the details.
    cachedInput:
      number(inputDetails['cached_tokens']) ??
      number(value['prompt_cache_hit_tokens']) ??
      number(value['num_cached_tokens']),
    cacheWriteInput: number(inputDetails['cache_write_tokens']),
    reasoning,
    audioInput: some(inputDetails['audio_tokens']),
    audioOutput: some(outputDetails['audio_tokens']),
    imageInput: some(inputDetails['image_tokens']),
    imageOutput: some(outputDetails['image_tokens']),
  });
}

/** Usage as chat writes it. Counts that OpenAI always states are stated, 0 when unknown. */
export function writeChatUsage(usage: Usage): JsonObject {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.total ?? usage.input + usage.output,
    prompt_tokens_details: {
      cached_tokens: usage.cachedInput ?? 0,
      audio_tokens: usage.audioInput ?? 0,
      ...optional('cache_write_tokens', usage.cacheWriteInput),
      ...optional('image_tokens', usage.imageInput),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning ?? 0,
      audio_tokens: usage.audioOutput ?? 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
      ...optional('image_tokens', usage.imageOutput),
    },
  };
}

/** Usage as responses writes it. */
export function writeResponsesUsage(usage: Usage): JsonObject {
  return {
    input_tokens: usage.input,
    input_tokens_details: {
      cached_tokens: usage.cachedInput ?? 0,
      cache_write_tokens: usage.cacheWriteInput ?? 0,
      ...optional('audio_tokens', usage.audioInput),
      ...optional('image_tokens', usage.imageInput),
    },
    output_tokens: usage.output,
    output_tokens_details: {
      reasoning_tokens: usage.reasoning ?? 0,
      ...optional('audio_tokens', usage.audioOutput),
      ...optional('image_tokens', usage.imageOutput),
    },
    total_tokens: usage.total ?? usage.input + usage.output,
  };
}

/** The usage object as it was read, if it still says what `usage` says; otherwise a new one. */
export function sameOrNew(read: JsonValue | undefined, usage: Usage, write: (usage: Usage) => JsonObject): JsonObject {
  return isObject(read) && equal(readUsage(read), usage) ? read : write(usage);
}

function equal(a: Usage | undefined, b: Usage): boolean {
  if (a === undefined) return false;
  const keys = Object.keys(a) as (keyof Usage)[];
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function details(usage: JsonObject, ...names: readonly string[]): JsonObject {
  for (const name of names) {
    const found = usage[name];
    if (isObject(found)) return found;
  }
  return {};
}

/** Some servers say -1 for what they did not count; added up it would take from budgets, sums and counters. */
function number(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

/** Modalities that were not used are stated as 0 by OpenAI; they are no news. */
function some(value: JsonValue | undefined): number | undefined {
  return value === 0 ? undefined : number(value);
}

function optional(name: string, value: number | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value };
}

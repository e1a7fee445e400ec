import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';

const counted = [
  'promptTokenCount',
  'toolUsePromptTokenCount',
  'candidatesTokenCount',
  'thoughtsTokenCount',
  'cachedContentTokenCount',
  'totalTokenCount',
];

/**
 * Google counts thoughts outside candidates and the prompts of its own tools outside the prompt; cached tokens are
 * inside the prompt. A count of zero is left out on the wire.
 */
export function decodeUsage(metadata: JsonObject): Usage {
  const input = count(metadata['promptTokenCount']) + count(metadata['toolUsePromptTokenCount']);
  const thoughts = metadata['thoughtsTokenCount'];
  const output = count(metadata['candidatesTokenCount']) + count(thoughts);
  const total = metadata['totalTokenCount'];
  const cached = metadata['cachedContentTokenCount'];
  return present({
    input,
    output,
    total: typeof total === 'number' && total !== input + output ? total : undefined,
    cachedInput: typeof cached === 'number' ? cached : undefined,
    reasoning: typeof thoughts === 'number' ? thoughts : undefined,
    audioInput: ofModality(metadata['promptTokensDetails'], 'AUDIO'),
    imageInput: ofModality(metadata['promptTokensDetails'], 'IMAGE'),
    audioOutput: ofModality(metadata['candidatesTokensDetails'], 'AUDIO'),
    imageOutput: ofModality(metadata['candidatesTokensDetails'], 'IMAGE'),
  });
}

/** What `usageMetadata` holds beyond the counts of {@link decodeUsage}, for the carry. */
export function usageRest(metadata: JsonObject): JsonObject {
  const rest: JsonObject = {};
  for (const key in metadata) {
    if (key === 'toolUsePromptTokenCount' || !counted.includes(key)) rest[key] = metadata[key];
  }
  return rest;
}

export function encodeUsage(usage: Usage, rest: JsonObject = {}): JsonObject {
  const toolUse = count(rest['toolUsePromptTokenCount']);
  const result: JsonObject = { ...rest };
  put(result, 'promptTokenCount', usage.input - toolUse);
  put(result, 'candidatesTokenCount', usage.output - (usage.reasoning ?? 0));
  put(result, 'thoughtsTokenCount', usage.reasoning ?? 0);
  put(result, 'cachedContentTokenCount', usage.cachedInput ?? 0);
  put(result, 'totalTokenCount', usage.total ?? usage.input + usage.output);
  if (result['promptTokensDetails'] === undefined)
    putDetails(result, 'promptTokensDetails', usage.input, usage.audioInput, usage.imageInput);
  if (result['candidatesTokensDetails'] === undefined) {
    putDetails(
      result,
      'candidatesTokensDetails',
      usage.output - (usage.reasoning ?? 0),
      usage.audioOutput,
      usage.imageOutput,
    );
  }
  return result;
}

function put(target: JsonObject, key: string, value: number): void {
  if (value > 0) target[key] = value;
}

function putDetails(target: JsonObject, key: string, all: number, audio = 0, image = 0): void {
  if (audio === 0 && image === 0) return;
  target[key] = [
    { modality: 'TEXT', tokenCount: all - audio - image },
    { modality: 'AUDIO', tokenCount: audio },
    { modality: 'IMAGE', tokenCount: image },
  ].filter((detail) => detail.tokenCount > 0);
}

function count(value: JsonValue | undefined): number {
  return typeof value === 'number' ? value : 0;
}

function ofModality(details: JsonValue | undefined, modality: string): number | undefined {
  if (!Array.isArray(details)) return undefined;
  for (const detail of details) {
    if (isObject(detail) && detail['modality'] === modality) return count(detail['tokenCount']);
  }
  return undefined;
}

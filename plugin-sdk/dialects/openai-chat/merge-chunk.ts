import { isObject, type JsonObject, type JsonValue } from '../../json.ts';

/** `extras`, a partial chunk, laid over a chunk: objects are merged, choices are matched by index, values are replaced. */
export function mergeChunk(chunk: JsonObject, extras: JsonObject): JsonObject {
  const merged: JsonObject = { ...chunk };
  for (const [key, value] of Object.entries(extras)) {
    const before = merged[key];
    if (key === 'choices' && Array.isArray(value))
      merged[key] = mergeChoices(Array.isArray(before) ? before : [], value);
    else merged[key] = isObject(before) && isObject(value) ? mergeChunk(before, value) : value;
  }
  return merged;
}

function mergeChoices(choices: readonly JsonValue[], extras: readonly JsonValue[]): JsonValue[] {
  const merged = [...choices];
  for (const extra of extras) {
    if (!isObject(extra)) continue;
    const at = merged.findIndex((choice) => isObject(choice) && choice['index'] === extra['index']);
    if (at >= 0) merged[at] = mergeChunk(merged[at] as JsonObject, extra);
    else merged.push(extra);
  }
  return merged;
}

/** A partial chunk as one that stands for itself: every choice has the fields that clients count on. */
export function completeChunk(extras: JsonObject): JsonObject {
  const choices = Array.isArray(extras['choices']) ? extras['choices'].filter(isObject) : [];
  return { ...extras, choices: choices.map((choice) => ({ delta: {}, finish_reason: null, ...choice })) };
}

import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/json.ts';

/**
 * What a client that keeps everything would know after a chat stream: text fields joined, lists joined by `index`, other
 * values replaced. Fields that are null, empty or absent count as the same, as do the random `obfuscation` paddings.
 */
export function accumulateChat(chunks: readonly JsonObject[]): JsonObject {
  let whole: JsonObject = {};
  for (const { obfuscation: _, choices, ...chunk } of chunks) {
    whole = { ...whole, ...(filled(chunk) as JsonObject) };
    const before = isObject(whole['choices']) ? whole['choices'] : {};
    for (const choice of Array.isArray(choices) ? choices : []) {
      if (!isObject(choice)) continue;
      const { delta, index, logprobs, ...rest } = choice;
      const key = String(index);
      const known = isObject(before[key]) ? before[key] : {};
      before[key] = {
        ...known,
        ...(filled(rest) as JsonObject),
        ...(isObject(logprobs) ? { logprobs: join(known['logprobs'], logprobs) } : {}),
        delta: join(known['delta'], filled(delta)) ?? {},
      };
    }
    whole['choices'] = before;
  }
  return whole;
}

/** Fields of a delta that are repeated whole, not continued. */
const whole = new Set(['role', 'id', 'type', 'name', 'format', 'channel', 'index']);

function join(before: JsonValue | undefined, next: JsonValue | undefined): JsonValue | undefined {
  if (next === undefined) return before;
  if (typeof before === 'string' && typeof next === 'string') return before + next;
  if (Array.isArray(before) && Array.isArray(next)) return joinLists(before, next);
  if (!isObject(before) || !isObject(next)) return Array.isArray(next) ? joinLists([], next) : next;
  const joined: JsonObject = { ...before };
  for (const [key, value] of Object.entries(next)) joined[key] = whole.has(key) ? value : join(joined[key], value);
  return joined;
}

function joinLists(before: readonly JsonValue[], next: readonly JsonValue[]): JsonValue[] {
  const list = [...before];
  for (const value of next) {
    const at = list.findIndex(
      (known) => isObject(known) && isObject(value) && 'index' in value && known['index'] === value['index'],
    );
    if (at >= 0) list[at] = join(list[at], value)!;
    else list.push(value);
  }
  return list;
}

function filled(value: JsonValue | undefined): JsonValue | undefined {
  if (Array.isArray(value)) return value.map((one) => filled(one) ?? null);
  if (!isObject(value)) return value ?? undefined;
  const result: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) {
    const kept = filled(inner);
    const empty =
      kept === undefined || kept === '' || (typeof kept === 'object' && Object.keys(kept as object).length === 0);
    if (!empty) result[key] = kept;
  }
  return result;
}

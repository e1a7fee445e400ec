import { isObject, type JsonObject } from '../../plugin-sdk/index.ts';

/**
 * A message or delta whose tool calls are OpenAI's; itself when they are. Mistral's come as `{function, id, index}`, and
 * its description of a call has defaults for `type` and `index` and allows `arguments` to be an object; OpenAI's SDK throws
 * at a call without a type.
 */
export function withTypedCalls(part: JsonObject, isDelta: boolean): JsonObject {
  const calls = part['tool_calls'];
  if (!Array.isArray(calls)) return part;
  const typed = calls.map((call, i) => (isObject(call) ? typedCall(call, isDelta ? i : undefined) : call));
  return typed.some((call, i) => call !== calls[i]) ? { ...part, tool_calls: typed } : part;
}

/** @param place Where the call stands in its delta, which SDKs that put deltas together need to know. */
function typedCall(call: JsonObject, place: number | undefined): JsonObject {
  const made = isObject(call['function']) ? call['function'] : {};
  // What continues a call has no name, and no type at OpenAI either.
  const lacksType = made['name'] && !call['type'];
  const lacksIndex = place !== undefined && !Number.isInteger(call['index']);
  const lacksText = isObject(made['arguments']);
  if (!lacksType && !lacksIndex && !lacksText) return call;
  return {
    ...call,
    ...(lacksIndex ? { index: place } : {}),
    ...(lacksType ? { type: 'function' } : {}),
    ...(lacksText ? { function: { ...made, arguments: JSON.stringify(made['arguments']) } } : {}),
  };
}

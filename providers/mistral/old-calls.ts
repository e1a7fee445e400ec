import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/index.ts';

/**
 * OpenAI's deprecated `function_call` and the message of role `function` that answers it, as a tool call and its result,
 * which is all that Mistral has. The old ones have no id; the place of the call stands in for one.
 */
export function withToolCalls(messages: readonly JsonValue[]): readonly JsonValue[] {
  let id: string | undefined;
  let changed = false;
  const written = messages.map((message, i) => {
    if (!isObject(message)) return message;
    const call = message['function_call'];
    if (message['role'] === 'assistant' && isObject(call)) {
      changed = true;
      id = `function_call ${i}`;
      return asToolCall(message, call, id);
    }
    if (message['role'] !== 'function') return message;
    changed = true;
    return { ...message, role: 'tool', tool_call_id: id ?? String(message['name']) };
  });
  return changed ? written : messages;
}

function asToolCall(message: JsonObject, call: JsonObject, id: string): JsonObject {
  const { function_call: _, ...rest } = message;
  const calls = Array.isArray(rest['tool_calls']) ? rest['tool_calls'] : [];
  return { ...rest, tool_calls: [...calls, { id, type: 'function', function: call }] };
}

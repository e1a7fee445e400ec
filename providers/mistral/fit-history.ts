import { createHash } from 'node:crypto';
import { type BodyEditor, isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/index.ts';

/** The only ids that Mistral accepts for tool calls. */
const accepted = /^[a-zA-Z0-9]{9}$/;

/**
 * Makes a history that another provider wrote acceptable: call ids get Mistral's form (the same id always the same one),
 * and a last message by the assistant is marked as the beginning of the answer.
 */
export function fitHistory(body: BodyEditor): void {
  const messages = body.get('messages');
  if (!Array.isArray(messages)) return;
  const last = messages.length - 1;
  const fitted = (messages as JsonValue[]).map((message, i) =>
    isObject(message) ? fit(message, i === last) : message,
  );
  if (fitted.some((message, i) => message !== messages[i])) body.set('messages', fitted);
}

function fit(message: JsonObject, isLast: boolean): JsonObject {
  const { role, tool_calls: calls, tool_call_id: id } = message;
  if (role === 'tool' && typeof id === 'string' && !accepted.test(id)) return { ...message, tool_call_id: shortId(id) };
  if (role !== 'assistant') return message;
  const fitted = Array.isArray(calls) ? calls.map((call) => (isObject(call) ? fitCall(call) : call)) : [];
  const changed = Array.isArray(calls) && fitted.some((call, i) => call !== calls[i]);
  const prefix = isLast && fitted.length === 0 && message['prefix'] === undefined;
  if (!changed && !prefix) return message;
  return { ...message, ...(changed ? { tool_calls: fitted } : {}), ...(prefix ? { prefix: true } : {}) };
}

function fitCall(call: JsonObject): JsonObject {
  const { id } = call;
  return typeof id !== 'string' || accepted.test(id) ? call : { ...call, id: shortId(id) };
}

function shortId(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 9);
}

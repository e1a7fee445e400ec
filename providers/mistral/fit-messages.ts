import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/index.ts';
import { messageFields, systemParts } from './allowed-fields.ts';
import { acceptedId, fitCall } from './fit-call.ts';
import { fitPart } from './fit-part.ts';
import { fitEach, keepAllowed } from './keep-allowed.ts';
import { withToolCalls } from './old-calls.ts';

/** Makes a history that another provider wrote acceptable. */
export function fitMessages(messages: JsonValue, lost: (path: string) => void): JsonValue {
  if (!Array.isArray(messages)) return messages;
  const last = messages.length - 1;
  const written = withToolCalls(messages);
  return fitEach(written, (message, i) =>
    isObject(message) ? fitMessage(message, i === last, `messages[${i}]`, lost) : message,
  ) as JsonValue[];
}

/** One of a role that nobody knows goes as it is: that it is refused is the client's answer. */
function fitMessage(message: JsonObject, isLast: boolean, path: string, lost: (path: string) => void): JsonObject {
  const role = String(message['role']);
  const fields = messageFields[role];
  if (fields === undefined) return message;
  const said = fitContent(role === 'assistant' ? withRefusal(message) : message, role, path, lost);
  const fitted = keepAllowed(withIds(said, path, lost), fields, (field) => lost(`${path}.${field}`));
  return role === 'assistant' && isLast ? asBeginning(fitted) : fitted;
}

/** A refusal is what the model said, in a field of its own. */
function withRefusal(message: JsonObject): JsonObject {
  const { refusal, ...rest } = message;
  if (typeof refusal !== 'string' || refusal === '') return message;
  const { content } = rest;
  if (content === undefined || content === null || content === '') return { ...rest, content: refusal };
  const before = Array.isArray(content) ? content : [{ type: 'text', text: content }];
  return { ...rest, content: [...before, { type: 'text', text: refusal }] };
}

function fitContent(message: JsonObject, role: string, path: string, lost: (path: string) => void): JsonObject {
  const { content } = message;
  if (!Array.isArray(content)) return message;
  const allows = (type: string): boolean =>
    role === 'system' ? systemParts.includes(type) : type !== 'tool_reference';
  const parts = fitEach(content, (part, i) => fitPart(part, allows, `${path}.content[${i}]`, lost));
  if (parts === content) return message;
  return { ...message, content: parts.length === 0 ? '' : (parts as JsonValue[]) };
}

/** Calls and their results under ids that Mistral accepts. */
function withIds(message: JsonObject, path: string, lost: (path: string) => void): JsonObject {
  const { tool_calls: calls, tool_call_id: id } = message;
  if (message['role'] === 'tool' && typeof id === 'string')
    return acceptedId(id) === id ? message : { ...message, tool_call_id: acceptedId(id) };
  if (!Array.isArray(calls)) return message;
  const fitted = fitEach(calls, (call, j) =>
    isObject(call) ? fitCall(call, (field) => lost(`${path}.tool_calls[${j}].${field}`)) : call,
  );
  return fitted === calls ? message : { ...message, tool_calls: fitted as JsonValue[] };
}

/** A last message by the assistant is the beginning of the answer, which Mistral wants marked. */
function asBeginning(message: JsonObject): JsonObject {
  const { tool_calls: calls, prefix } = message;
  const isCalling = Array.isArray(calls) && calls.length > 0;
  return isCalling || prefix !== undefined ? message : { ...message, prefix: true };
}

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
  if (role !== 'assistant') return fitParts(message);
  const fitted = Array.isArray(calls) ? calls.map((call) => (isObject(call) ? fitCall(call) : call)) : [];
  const changed = Array.isArray(calls) && fitted.some((call, i) => call !== calls[i]);
  const prefix = isLast && fitted.length === 0 && message['prefix'] === undefined;
  if (!changed && !prefix) return message;
  return { ...message, ...(changed ? { tool_calls: fitted } : {}), ...(prefix ? { prefix: true } : {}) };
}

/** Mistral has parts of its own for documents, by URL or data URL, and takes sounds without their format. */
function fitParts(message: JsonObject): JsonObject {
  const { content } = message;
  if (!Array.isArray(content)) return message;
  const parts = content.map((part) => (isObject(part) ? fitPart(part) : part));
  return parts.some((part, i) => part !== content[i]) ? { ...message, content: parts } : message;
}

function fitPart(part: JsonObject): JsonObject {
  const { file, input_audio: audio } = part;
  if (part['type'] === 'input_audio' && isObject(audio) && typeof audio['data'] === 'string')
    return { type: 'input_audio', input_audio: audio['data'] };
  if (part['type'] !== 'file' || !isObject(file)) return part;
  const { file_id: id, filename: name } = file;
  if (typeof id === 'string') return { type: 'file', file_id: id };
  const url = file['file_data'] ?? file['file_url'];
  if (typeof url !== 'string') return part;
  return { type: 'document_url', document_url: url, ...(typeof name === 'string' ? { document_name: name } : {}) };
}

function fitCall(call: JsonObject): JsonObject {
  const { id } = call;
  return typeof id !== 'string' || accepted.test(id) ? call : { ...call, id: shortId(id) };
}

function shortId(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 9);
}

import type { Block, Message, ToolCallBlock } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { dialectId, keep, maker } from './notes.ts';

export function decodeMessages(messages: readonly JsonValue[]): Message[] {
  return messages.map((message, index) => {
    const path = `messages[${index}]`;
    if (!isObject(message)) return invalid(path, 'must be an object');
    switch (message['role']) {
      case 'system':
      case 'user':
        return decodePlain(message, message['role']);
      case 'assistant':
        return decodeAssistant(message);
      case 'tool':
        return decodeToolMessage(message, path);
      default:
        return invalid(`${path}.role`, 'must be one of system, user, assistant, tool');
    }
  });
}

function decodePlain(message: JsonObject, role: 'system' | 'user'): Message {
  const { role: _, content, ...rest } = message;
  const notes = { text: typeof content === 'string', absent: content === undefined ? ['content'] : [] };
  return { role, blocks: decodeContent(content), ...keep(rest, notes, true) };
}

/** An assistant message, which is also what an answer holds. The plan of a tool call is text before the calls. */
export function decodeAssistant(message: JsonObject): Message {
  const { role: _, content, tool_plan: plan, tool_calls: calls, ...rest } = message;
  const blocks: Block[] = [];
  if (typeof plan === 'string') blocks.push({ type: 'text', text: plan, ...keep({}, { plan: true }) });
  else if (plan !== undefined) rest['tool_plan'] = plan;
  blocks.push(...decodeContent(content));
  if (Array.isArray(calls) && calls.length > 0) blocks.push(...calls.filter(isObject).map(decodeCall));
  else if (calls !== undefined) rest['tool_calls'] = calls;
  const absent = [...(content === undefined ? ['content'] : []), ...('role' in message ? [] : ['role'])];
  if (content === null) rest['content'] = null;
  return { role: 'assistant', blocks, ...keep(rest, { text: typeof content === 'string', absent }, true) };
}

function decodeCall(call: JsonObject): ToolCallBlock {
  const { id, type, function: called, ...rest } = call;
  const { name, arguments: written, ...inner } = isObject(called) ? called : {};
  if (Object.keys(inner).length > 0) rest['function'] = inner;
  const absent = type === undefined ? ['type'] : [];
  const nullArguments = written === 'null';
  return {
    type: 'tool-call',
    id: String(id ?? ''),
    name: String(name ?? ''),
    arguments: nullArguments || typeof written !== 'string' ? '{}' : written,
    ...keep(rest, { nullArguments, absent }),
  };
}

function decodeToolMessage(message: JsonObject, path: string): Message {
  const { role: _, tool_call_id: callId, content, ...rest } = message;
  if (typeof callId !== 'string') return invalid(`${path}.tool_call_id`, 'is missing');
  const notes = { text: typeof content === 'string', absent: content === undefined ? ['content'] : [] };
  const block: Block = { type: 'tool-result', callId, content: decodeContent(content), ...keep(rest, notes, true) };
  return { role: 'user', blocks: [block], ...keep({}, {}, true) };
}

export function decodeContent(content: JsonValue | undefined): Block[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (!Array.isArray(content)) return [];
  return content.filter(isObject).map(decodePart);
}

function decodePart(part: JsonObject): Block {
  const { type, ...rest } = part;
  if (type === 'text' && typeof rest['text'] === 'string') {
    const { text, ...fields } = rest;
    return { type: 'text', text: text as string, ...keep(fields) };
  }
  if (type === 'thinking' && typeof rest['thinking'] === 'string') {
    const { thinking, ...fields } = rest;
    return { type: 'reasoning', text: thinking as string, maker, ...keep(fields) };
  }
  if (type === 'image_url' && isObject(rest['image_url'])) return decodeImage(rest['image_url'], rest, part);
  if (type === 'document' && isObject(rest['document'])) return decodeDocument(rest['document'], rest, part);
  return { type: 'provider-item', dialect: dialectId, value: part };
}

const dataUrl = /^data:([^;,]+);base64,/;

function decodeImage(image: JsonObject, rest: JsonObject, part: JsonObject): Block {
  const { url, detail, ...inner } = image;
  if (typeof url !== 'string') return { type: 'provider-item', dialect: dialectId, value: part };
  const { image_url: _, ...fields } = rest;
  if (detail !== undefined && !isDetail(detail)) inner['detail'] = detail;
  if (Object.keys(inner).length > 0) fields['image_url'] = inner;
  const mediaType = dataUrl.exec(url)?.[1];
  return {
    type: 'image',
    source:
      mediaType === undefined
        ? { kind: 'url', url }
        : { kind: 'base64', mediaType, data: url.slice(url.indexOf(',') + 1) },
    ...(isDetail(detail) ? { detail } : {}),
    ...keep(fields),
  };
}

function isDetail(value: JsonValue | undefined): value is 'auto' | 'low' | 'high' {
  return value === 'auto' || value === 'low' || value === 'high';
}

/** A document in a tool's result: its data as text, which is JSON when the data is an object. */
function decodeDocument(document: JsonObject, rest: JsonObject, part: JsonObject): Block {
  const { data, ...inner } = document;
  const { document: _, ...fields } = rest;
  if (typeof data !== 'string' && !isObject(data)) return { type: 'provider-item', dialect: dialectId, value: part };
  const documentJson = isObject(data);
  return {
    type: 'text',
    text: documentJson ? JSON.stringify(data) : (data as string),
    ...keep({ ...fields, document: inner }, { documentJson }),
  };
}

function invalid(param: string, reason: string): never {
  throw new GatewayError('REQ_INVALID', { reason: `${param} ${reason}.` }, { param });
}

import type { Conversation, Message } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import { type CallIds, historyCallIds } from './call-ids.ts';
import { decodeConfig } from './decode-config.ts';
import { decodePart } from './decode-part.ts';
import { decodeTools } from './decode-tools.ts';
import { keep } from './notes.ts';
import { camelCase } from './spelling.ts';

/**
 * Reads a GenerateContentRequest. Model and streaming are in the URL of this dialect: a route adds `model` and `stream`
 * to the result (a `model` in the body, as batches have it, is read).
 * Throws REQ_INVALID naming the field.
 */
export function decodeRequest(body: JsonObject): Conversation {
  const snake: string[] = [];
  const single: string[] = [];
  const { contents, systemInstruction, tools, toolConfig, generationConfig, labels, serviceTier, model, ...rest } =
    camelCase(body, snake);
  const ids = historyCallIds();
  const messages: Message[] = [];
  if (systemInstruction !== undefined && systemInstruction !== null) {
    messages.push(decodeContent(asContent(systemInstruction), 'system', 'systemInstruction', ids));
  }
  listOf(contents, 'contents', single).forEach((content, index) => {
    messages.push(decodeContent(asContent(content), 'user', `contents[${index}]`, ids));
  });
  const decoded = decodeTools(tools === undefined ? undefined : listOf(tools, 'tools', single), toolConfig, snake);
  const config = decodeConfig(generationConfig, snake);
  const tier = isTier(serviceTier) ? serviceTier : undefined;
  if (tier === undefined && serviceTier !== undefined) rest['serviceTier'] = serviceTier;
  if (labels !== undefined && !isObject(labels)) rest['labels'] = labels;
  return {
    model: typeof model === 'string' ? model : '',
    messages,
    ...config.conversation,
    ...present({
      tools: decoded.tools,
      toolChoice: decoded.toolChoice,
      serviceTier: tier,
      metadata: isObject(labels) ? (labels as Record<string, string>) : undefined,
    }),
    ...keep(
      { ...rest, ...decoded.fields, ...config.fields },
      {
        snake,
        single,
        absent: [...(model === undefined ? ['model'] : []), ...(contents === undefined ? ['contents'] : [])],
        ...decoded.notes,
      },
      true,
    ),
  };
}

function decodeContent(content: JsonObject, fallback: 'user' | 'system', path: string, ids: CallIds): Message {
  const { role, parts, ...rest } = content;
  const single: string[] = [];
  const written = typeof role === 'string' ? role : undefined;
  const blocks = listOf(parts, `${path}.parts`, single).flatMap((part) => {
    if (typeof part === 'string') return [{ type: 'text' as const, text: part }];
    if (!isObject(part)) return invalid(`${path}.parts`, 'must hold objects');
    return decodePart(part, ids);
  });
  const assistant = fallback !== 'system' && written === 'model';
  return {
    role: fallback === 'system' ? 'system' : assistant ? 'assistant' : 'user',
    blocks,
    ...keep(
      rest,
      {
        single,
        absent: [...(written === undefined ? ['role'] : []), ...(parts === undefined ? ['parts'] : [])],
        ...present({ role: assistant || written === 'user' ? undefined : written }),
      },
      true,
    ),
  };
}

/** Clients may write a content as its text alone. */
function asContent(value: JsonValue): JsonObject {
  if (typeof value === 'string') return { parts: [{ text: value }] };
  return isObject(value) ? value : {};
}

/** Protocol buffers in JSON: a lone value stands for a list of one. */
function listOf(value: JsonValue | undefined, name: string, single: string[]): JsonValue[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  if (!isObject(value)) invalid(name, 'must be a list');
  single.push(name.slice(name.lastIndexOf('.') + 1));
  return [value];
}

function invalid(param: string, reason: string): never {
  throw new GatewayError('REQ_INVALID', { reason: `${param} ${reason}.` }, { param });
}

function isTier(value: JsonValue | undefined): value is 'flex' | 'priority' | 'standard' {
  return value === 'flex' || value === 'priority' || value === 'standard';
}

import type { Conversation, Message } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import { type CallIds, historyCallIds } from './call-ids.ts';
import { decodeConfig } from './decode-config.ts';
import { decodePart } from './decode-part.ts';
import { decodeTools } from './decode-tools.ts';
import { keep } from './notes.ts';
import { joinThinking } from './sealed-signature.ts';
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
  const instruction = objectOf(systemInstruction, 'systemInstruction');
  if (instruction !== undefined) messages.push(decodeContent(instruction, 'system', 'systemInstruction', ids));
  for (const [index, content] of listOf(contents, 'contents', single)?.entries() ?? []) {
    messages.push(decodeContent(content, 'user', `contents[${index}]`, ids));
  }
  const decoded = decodeTools(listOf(tools, 'tools', single), objectOf(toolConfig, 'toolConfig'), snake);
  const config = decodeConfig(objectOf(generationConfig, 'generationConfig'), snake);
  const tier = isTier(serviceTier) ? serviceTier : undefined;
  if (tier === undefined && serviceTier !== undefined) rest['serviceTier'] = serviceTier;
  const metadata = objectOf(labels, 'labels') as Record<string, string> | undefined;
  return {
    model: typeof model === 'string' ? model : '',
    messages,
    ...config.conversation,
    ...present({
      tools: decoded.tools,
      toolChoice: decoded.toolChoice,
      serviceTier: tier,
      metadata,
    }),
    ...keep(
      { ...rest, ...decoded.fields, ...config.fields },
      {
        snake,
        single,
        absent: [
          ...(model === undefined ? ['model'] : []),
          ...(Array.isArray(contents) || isObject(contents) ? [] : ['contents']),
        ],
        ...decoded.notes,
        ...config.notes,
      },
      true,
    ),
  };
}

function decodeContent(content: JsonObject, fallback: 'user' | 'system', path: string, ids: CallIds): Message {
  const { role, parts, ...rest } = content;
  const single: string[] = [];
  const written = typeof role === 'string' ? role : undefined;
  const blocks = (listOf(parts, `${path}.parts`, single) ?? []).flatMap((part) => decodePart(part, ids));
  const assistant = fallback !== 'system' && written === 'model';
  return {
    role: fallback === 'system' ? 'system' : assistant ? 'assistant' : 'user',
    blocks: assistant ? joinThinking(blocks) : blocks,
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

function objectOf(value: JsonValue | undefined, name: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  return isObject(value) ? value : invalid(name, 'must be an object');
}

/** A list of objects. Protocol buffers in JSON: a lone value stands for a list of one. */
function listOf(value: JsonValue | undefined, name: string, single: string[]): JsonObject[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.every(isObject) ? value : invalid(name, 'must hold objects only');
  if (!isObject(value)) return invalid(name, 'must be a list');
  single.push(name.slice(name.lastIndexOf('.') + 1));
  return [value];
}

function invalid(param: string, reason: string): never {
  throw new GatewayError('REQ_INVALID', { reason: `${param} ${reason}.` }, { param });
}

function isTier(value: JsonValue | undefined): value is 'flex' | 'priority' | 'standard' {
  return value === 'flex' || value === 'priority' || value === 'standard';
}

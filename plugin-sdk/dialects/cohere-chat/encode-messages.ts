import type { Block, ImageBlock, Message, ToolCallBlock, ToolResultBlock } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { loseForeignCarry } from '../carry.ts';
import { clientIndexes, isWrittenAsBlocks } from '../client-indexes.ts';
import type { ToolNames } from '../tool-names.ts';
import { dialectId, isNative, kept, maker } from './notes.ts';

export interface MessageContext {
  /** A request goes to the model; an answer to the client, who is given what there is rather than an error. */
  readonly audience: 'model' | 'client';
  readonly names: ToolNames;
  /** Whether the model reads images. */
  readonly images: boolean;
  lost(path: string): void;
}

/** Messages as Cohere has them: tool results are messages of their own and come before what the user says. */
export function encodeMessages(messages: readonly Message[], context: MessageContext): JsonObject[] {
  const result: JsonObject[] = [];
  const indexes = clientIndexes(messages);
  messages.forEach((message, position) => {
    const index = indexes[position]!;
    const path = `messages[${index}]`;
    loseForeignCarry(message, dialectId, path, context.lost);
    if (message.name !== undefined) context.lost(`${path}.name`);
    for (const block of message.blocks) {
      loseForeignCarry(block, dialectId, path, context.lost);
      if (block.cache !== undefined) context.lost(`${path}.content.prompt_cache_breakpoint`);
    }
    if (message.role === 'assistant') {
      const written = encodeAssistant(message, path, context);
      if (written !== undefined) result.push(written);
      return;
    }
    const role = message.role === 'user' ? 'user' : 'system';
    let results = 0;
    message.blocks.forEach((block, at) => {
      if (block.type !== 'tool-result') return;
      const place = isWrittenAsBlocks(message) ? `${path}.content[${at}]` : `messages[${index + results}]`;
      result.push(encodeResult(block, place, context));
      results += 1;
    });
    const others = message.blocks.filter((block) => block.type !== 'tool-result');
    if (others.length === 0 && (results > 0 || !isNative(message))) return;
    const content = encodeContent(others, path, context);
    if (content.length > 0 || others.length === 0 || isNative(message))
      result.push(withContent({ ...kept(message).fields, role }, message, content));
  });
  return result;
}

/**
 * An assistant message. One with tool calls has no text content at Cohere: what the model said before calling is its
 * plan. Undefined when nothing is left of the message. Written for answers as well.
 */
export function encodeAssistant(message: Message, path: string, context: MessageContext): JsonObject | undefined {
  const calls = message.blocks.filter((block) => block.type === 'tool-call');
  const native = isNative(message);
  const isPlan = (block: Block) =>
    native ? kept(block).notes.plan === true : calls.length > 0 && (block.type === 'text' || block.type === 'refusal');
  const plan = message.blocks.filter(isPlan).map((block) => (block as { text: string }).text);
  const others = message.blocks.filter((block) => block.type !== 'tool-call' && !isPlan(block));
  const parts = encodeContent(others, path, context);
  const { fields, notes } = kept(message);
  const written: JsonObject = notes.absent?.includes('role') ? { ...fields } : { ...fields, role: 'assistant' };
  if (native ? plan.length > 0 : plan.join('') !== '') written['tool_plan'] = plan.join('');
  if (calls.length > 0) {
    written['tool_calls'] = calls.map((call, index) => encodeCall(call, `${path}.tool_calls[${index}]`, context));
  }
  if (parts.length > 0 || (native && !notes.absent?.includes('content') && fields['content'] === undefined)) {
    return withContent(written, message, parts);
  }
  return native || calls.length > 0 || plan.join('') !== '' ? written : undefined;
}

function encodeCall(call: ToolCallBlock, path: string, context: MessageContext): JsonObject {
  const { fields, notes } = kept(call);
  const inner = isObject(fields['function']) ? fields['function'] : {};
  const called = { ...inner, name: context.names.toWire(call.name), arguments: argumentsOf(call, path, context) };
  const type = notes.absent?.includes('type') ? {} : { type: 'function' };
  return { ...fields, id: call.id, ...type, function: called };
}

/** Arguments as the model wrote them. Throws REQ_INVALID when a client sent what is not JSON. */
function argumentsOf(call: ToolCallBlock, path: string, { audience }: MessageContext): string {
  if (call.kind === 'custom') return JSON.stringify({ input: call.arguments });
  if (call.arguments.trim() === '') return '{}';
  if (kept(call).notes.nullArguments && call.arguments === '{}') return 'null';
  if (audience === 'model' && !isJson(call.arguments)) {
    const param = `${path}.function.arguments`;
    throw new GatewayError('REQ_INVALID', { reason: `${param} is not valid JSON.` }, { param });
  }
  return call.arguments;
}

function encodeResult(block: ToolResultBlock, path: string, context: MessageContext): JsonObject {
  if (block.isError === true) context.lost(`${path}.is_error`);
  const textOnly = block.content.filter((inner, index) => {
    if (inner.type === 'text' || inner.type === 'refusal' || inner.type === 'provider-item') return true;
    if (inner.type === 'file' && inner.source.kind === 'text') return true;
    context.lost(`${path}.content[${index}]`);
    return false;
  });
  const message = { ...kept(block).fields, role: 'tool', tool_call_id: block.callId };
  const parts = encodeContent(textOnly, path, context);
  return parts.length === 0 && !isNative(block) ? { ...message, content: '' } : withContent(message, block, parts);
}

/** Content as one string where it was, or where it is plain text; as parts else. */
function withContent(written: JsonObject, carrier: Message | ToolResultBlock, parts: JsonObject[]): JsonObject {
  const { notes } = kept(carrier);
  if (parts.length === 0 && notes.absent?.includes('content')) return written;
  const wasText = isNative(carrier) ? notes.text === true : parts.length === 1;
  const only = parts.length === 0 ? '' : parts[0]!['text'];
  const content: JsonValue = wasText && parts.length <= 1 && typeof only === 'string' ? only : parts;
  return { ...written, content };
}

function encodeContent(blocks: readonly Block[], path: string, context: MessageContext): JsonObject[] {
  return blocks.flatMap((block, index) => encodePart(block, `${path}.content[${index}]`, context));
}

function encodePart(block: Block, path: string, context: MessageContext): JsonObject[] {
  const { fields, notes } = kept(block);
  switch (block.type) {
    case 'text': {
      if (block.text === '' && !isNative(block)) return [];
      if (!isObject(fields['document'])) return [{ ...fields, type: 'text', text: block.text }];
      const data = notes.documentJson ? (JSON.parse(block.text) as JsonValue) : block.text;
      return [{ ...fields, type: 'document', document: { ...fields['document'], data } }];
    }
    case 'refusal':
      return block.text === '' ? [] : [{ type: 'text', text: block.text }];
    case 'reasoning':
      if (block.maker === maker && (block.text ?? block.summary) !== undefined)
        return [{ ...fields, type: 'thinking', thinking: block.text ?? block.summary!.join('\n\n') }];
      context.lost(path.replace(/\.content\[\d+\]$/, '.reasoning'));
      return [];
    case 'image':
      return [encodeImage(block, path, context)];
    case 'provider-item':
      if (block.dialect === dialectId) return [block.value];
      context.lost(path);
      return [];
    case 'file':
      if (block.source.kind === 'text') return [{ type: 'text', text: block.source.text }];
      return refuse(`${path}.file`, 'Cohere reads no files');
    case 'audio':
      if (block.transcript !== undefined) return [{ type: 'text', text: block.transcript }];
      return refuse(`${path}.input_audio`, 'Cohere hears no audio');
    default:
      return refuse(path, 'Cohere reads text and images only');
  }
}

function encodeImage(block: ImageBlock, path: string, { images }: MessageContext): JsonObject {
  if (!images && !isNative(block)) return refuse(`${path}.image_url`, 'this model of Cohere sees no images');
  const { fields } = kept(block);
  const inner = isObject(fields['image_url']) ? fields['image_url'] : {};
  const detail = block.detail === undefined ? {} : { detail: block.detail === 'original' ? 'high' : block.detail };
  return { ...fields, type: 'image_url', image_url: { ...inner, url: urlOf(block, path), ...detail } };
}

function urlOf({ source }: ImageBlock, path: string): string {
  if (source.kind === 'url') return source.url;
  if (source.kind === 'base64') return `data:${source.mediaType};base64,${source.data}`;
  return refuse(`${path}.image_url`, 'Cohere takes images as URLs only');
}

function refuse(param: string, reason: string): never {
  throw new GatewayError(
    'REQ_INVALID',
    { reason: `${param} cannot be sent: ${reason}.` },
    { param, retry: 'next-target' },
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

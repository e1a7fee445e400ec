import type { Block, MediaSource, ReasoningBlock, ToolResultBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import type { CallIds } from './call-ids.ts';
import { fromBase64Url, isBase64Url, type MediaBlock, mediaBlock } from './media.ts';
import { dialectId, keep, maker } from './notes.ts';
import { openSignature } from './sealed-signature.ts';
import { camelCase } from './spelling.ts';

/**
 * A part as blocks: one, or two when a thought signature stands on something other than a thought or a function call.
 * Such a signature becomes a reasoning block without text behind the block it stood on. What is neither text, media,
 * function call nor function response stays whole as a provider item.
 */
export function decodePart(part: JsonObject, ids: CallIds): Block[] {
  if (isOnlyText(part)) return [{ type: 'text', text: part['text'] as string }];
  const snake: string[] = [];
  const { text, thought, thoughtSignature, inlineData, fileData, functionCall, functionResponse, ...rest } = camelCase(
    part,
    snake,
  );
  if (thought === false) rest['thought'] = false;
  const signature = typeof thoughtSignature === 'string' ? thoughtSignature : undefined;

  if (typeof text === 'string') {
    const opened = openSignature(signature, text);
    if (opened !== undefined) return [opened];
    if (thought === true)
      return [{ type: 'reasoning', text, maker, ...present({ signature }), ...keep(rest, { snake }) }];
    const carry = keep(rest, { snake }, text === '' && signature === undefined);
    return withSignature({ type: 'text', text, ...carry }, signature);
  }
  if (isObject(functionCall)) {
    const { id, name, args, ...callRest } = camelCase(functionCall, snake);
    const given = typeof id === 'string';
    const toolName = String(name ?? '');
    const absent = args === undefined ? ['args'] : [];
    return [
      {
        type: 'tool-call',
        id: given ? id : ids.call(toolName),
        name: toolName,
        arguments: JSON.stringify(args ?? {}),
        ...(signature === undefined ? {} : { signature, maker }),
        ...keep(nest(rest, 'functionCall', callRest), { snake, id: given, absent }),
      },
    ];
  }
  if (isObject(functionResponse)) return [decodeResult(camelCase(functionResponse, snake), rest, snake, ids)];
  if (thought !== true && isObject(inlineData)) {
    const { mimeType, data, ...dataRest } = camelCase(inlineData, snake);
    if (typeof mimeType === 'string' && typeof data === 'string') {
      const base64url = isBase64Url(data);
      const source: MediaSource = { kind: 'base64', mediaType: mimeType, data: base64url ? fromBase64Url(data) : data };
      const block = mediaBlock(source, mimeType);
      const notes = base64url ? { snake, base64url } : { snake };
      return withSignature({ ...block, ...keep(nest(rest, 'inlineData', dataRest), notes) } as MediaBlock, signature);
    }
  }
  if (thought !== true && isObject(fileData)) {
    const { mimeType, fileUri, ...dataRest } = camelCase(fileData, snake);
    if (typeof fileUri === 'string') {
      const mediaType = typeof mimeType === 'string' ? mimeType : undefined;
      const block = mediaBlock({ kind: 'url', url: fileUri, ...present({ mediaType }) }, mediaType);
      return withSignature({ ...block, ...keep(nest(rest, 'fileData', dataRest), { snake }) } as MediaBlock, signature);
    }
  }
  return [{ type: 'provider-item', dialect: dialectId, value: part }];
}

/** The frequent case, which needs no look at anything else. */
function isOnlyText(part: JsonObject): boolean {
  for (const key in part) if (key !== 'text') return false;
  return typeof part['text'] === 'string' && part['text'] !== '';
}

function decodeResult(response: JsonObject, rest: JsonObject, snake: string[], ids: CallIds): ToolResultBlock {
  const { id, name, response: value, parts, ...responseRest } = response;
  const given = typeof id === 'string';
  const toolName = String(name ?? '');
  const { text, key } = resultText(value);
  const content: Block[] = text === undefined ? [] : [{ type: 'text', text }];
  for (const part of Array.isArray(parts) ? parts : []) if (isObject(part)) content.push(...decodePart(part, ids));
  return {
    type: 'tool-result',
    callId: given ? id : ids.result(toolName),
    name: toolName,
    content,
    ...(key === 'error' ? { isError: true } : {}),
    ...keep(nest(rest, 'functionResponse', responseRest), { snake, id: given, ...present({ responseKey: key }) }),
  };
}

/** Keys under which clients put the one text of a result, since `response` has to be an object. */
const textKeys = new Set(['output', 'result', 'content', 'return_value', 'error']);

function resultText(response: JsonValue | undefined): { text?: string; key?: string } {
  if (!isObject(response)) return {};
  const keys = Object.keys(response);
  const only = keys.length === 1 ? response[keys[0]!] : undefined;
  if (typeof only === 'string' && textKeys.has(keys[0]!)) return { text: only, key: keys[0]! };
  return { text: JSON.stringify(response), key: '*' };
}

function withSignature(block: Block, signature: string | undefined): Block[] {
  if (signature === undefined) return [block];
  const proof: ReasoningBlock = { type: 'reasoning', signature, maker };
  if (block.type !== 'text' || block.text !== '' || block.carry !== undefined) return [block, proof];
  return [{ ...proof, ...keep({}, { alone: true }) }];
}

function nest(rest: JsonObject, key: string, inner: JsonObject): JsonObject {
  for (const _ in inner) return { ...rest, [key]: inner };
  return rest;
}

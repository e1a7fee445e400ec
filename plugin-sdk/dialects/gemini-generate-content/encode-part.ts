import type { Block, FileBlock, ToolCallBlock, ToolResultBlock } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import type { ToolNames } from '../tool-names.ts';
import type { GeminiCapabilities } from './capabilities.ts';
import { cleanMediaType, fileUri, guessMediaType, isGoogleUri, type MediaBlock, toBase64Url } from './media.ts';
import { dialectId, isNative, kept, maker, type Notes } from './notes.ts';
import { sealedSignature } from './sealed-signature.ts';
import { asWritten } from './spelling.ts';

export interface PartContext {
  /** A request goes to the model; an answer to the client, who is given what there is rather than an error. */
  readonly audience: 'model' | 'client';
  readonly capabilities: GeminiCapabilities;
  readonly names: ToolNames;
  /** Name of the tool that a call id belongs to. */
  toolOf(callId: string): string | undefined;
  lost(path: string): void;
}

/**
 * Appends a block to `parts`. A signature on its own joins the part before it, where that can carry one.
 * `path` is where the client wrote the block. Throws REQ_INVALID for media that Google cannot be given.
 */
export function encodePart(block: Block, parts: JsonObject[], path: string, context: PartContext): void {
  switch (block.type) {
    case 'text':
      if (block.text !== '' || isNative(block)) parts.push(finished(block, { text: block.text }));
      return;
    case 'refusal':
      if (block.text !== '') parts.push({ text: block.text });
      return;
    case 'reasoning':
      encodeReasoning(block, parts, path, context);
      return;
    case 'tool-call':
      parts.push(encodeCall(block, path, context));
      return;
    case 'tool-result':
      parts.push(...encodeResult(block, path, context));
      return;
    case 'provider-item':
      if (block.dialect === dialectId) parts.push(block.value);
      else context.lost(path);
      return;
    case 'audio':
      if (block.source.kind === 'file' && block.transcript !== undefined) {
        parts.push({ text: block.transcript });
        context.lost(`${path}.audio`);
        return;
      }
  }
  parts.push(encodeMedia(block, path, context));
}

function encodeReasoning(
  block: Block & { type: 'reasoning' },
  parts: JsonObject[],
  path: string,
  context: PartContext,
): void {
  if (block.maker !== maker) {
    const text = block.text ?? block.summary?.join('\n\n');
    const thoughtSignature = sealedSignature(block);
    if (context.audience === 'model') context.lost(path);
    else if (text !== undefined || thoughtSignature !== undefined)
      parts.push({ text: text ?? '', thought: true, ...present({ thoughtSignature }) });
    return;
  }
  const signature = block.signature === undefined ? {} : { thoughtSignature: block.signature };
  if (block.text !== undefined) {
    parts.push(finished(block, { text: block.text, thought: true, ...signature }));
    return;
  }
  if (block.signature === undefined) return;
  const before = parts.at(-1);
  if (before !== undefined && canTakeSignature(before) && kept(block).notes.alone !== true)
    Object.assign(before, signature);
  else parts.push({ text: '', ...signature });
}

export function canTakeSignature(part: JsonObject): boolean {
  if ('thoughtSignature' in part || part['thought'] === true) return false;
  return 'text' in part || 'inlineData' in part || 'fileData' in part;
}

function encodeCall(block: ToolCallBlock, path: string, { audience, capabilities, names }: PartContext): JsonObject {
  const { notes } = kept(block);
  const call: JsonObject = { name: names.toWire(block.name) };
  if (notes.id ?? capabilities.callIds) call['id'] = block.id;
  if (!(notes.absent?.includes('args') && block.arguments === '{}')) call['args'] = argumentsOf(block, path, audience);
  const signature = block.maker === maker && block.signature !== undefined ? { thoughtSignature: block.signature } : {};
  return finished(block, { functionCall: call, ...signature });
}

/** The arguments as the object that Google demands. Throws REQ_INVALID when a client sent what is not JSON. */
function argumentsOf(block: ToolCallBlock, path: string, audience: PartContext['audience']): JsonObject {
  if (block.kind === 'custom') return { input: block.arguments };
  if (block.arguments.trim() === '') return {};
  let value: JsonValue;
  try {
    value = JSON.parse(block.arguments) as JsonValue;
  } catch (cause) {
    if (audience === 'client') return { value: block.arguments };
    const param = `${path}.function.arguments`;
    throw new GatewayError('REQ_INVALID', { reason: `${param} is not valid JSON.` }, { param, cause });
  }
  return isObject(value) ? value : { value };
}

/** The response, followed by the media in it as parts of their own where the model does not take them inside. */
function encodeResult(block: ToolResultBlock, path: string, context: PartContext): JsonObject[] {
  const { notes } = kept(block);
  const { capabilities, names } = context;
  const media: JsonObject[] = [];
  let text: string | undefined;
  block.content.forEach((inner, index) => {
    if (inner.type === 'text' || inner.type === 'refusal')
      text = text === undefined ? inner.text : `${text}\n${inner.text}`;
    else encodePart(inner, media, `${path}.content[${index}]`, context);
  });
  const name = block.name ?? context.toolOf(block.callId);
  if (name === undefined) {
    const param = `${path}.tool_call_id`;
    throw new GatewayError('REQ_INVALID', { reason: `${param} names no tool call that came before it.` }, { param });
  }
  const response: JsonObject = { name: names.toWire(name) };
  if (notes.id ?? capabilities.callIds) response['id'] = block.callId;
  const value = resultValue(text, block.isError === true, notes, isNative(block));
  if (value !== undefined) response['response'] = value;
  const inside = media.length > 0 && (isNative(block) || capabilities.functionResponseParts);
  if (inside) response['parts'] = media;
  const part = finished(block, { functionResponse: response });
  return inside ? [part] : [part, ...media];
}

function resultValue(
  text: string | undefined,
  isError: boolean,
  notes: Notes,
  native: boolean,
): JsonObject | undefined {
  if (text === undefined && native) return undefined;
  const value = text ?? '';
  if (isError) return { error: value };
  if (notes.responseKey !== undefined && notes.responseKey !== '*') return { [notes.responseKey]: value };
  if (notes.responseKey !== '*' && value.includes('"$ref"')) return { output: value };
  return objectFrom(value) ?? { output: value };
}

function objectFrom(text: string): JsonObject | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function encodeMedia(block: MediaBlock, path: string, { capabilities, lost }: PartContext): JsonObject {
  const { source } = block;
  if (block.type === 'image' && block.detail !== undefined && block.detail !== 'auto') lost(`${path}.image_url.detail`);
  switch (source.kind) {
    case 'base64': {
      const data = kept(block).notes.base64url === true ? toBase64Url(source.data) : source.data;
      return finished(block, { inlineData: { mimeType: cleanMediaType(source.mediaType), data } });
    }
    case 'text':
      return { text: source.text };
    case 'file': {
      const uri = fileUri(source.id);
      if (uri === undefined)
        refuse(`${path}.${fileField(block)}`, 'names a file of another provider; send its content instead');
      return fileData(block, uri, source.mediaType);
    }
    case 'url':
      if (!isNative(block) && !capabilities.remoteUrls && !isGoogleUri(source.url)) {
        refuse(
          `${path}.${urlField(block)}`,
          'is a remote URL, which Gemini does not fetch; send the content as a data: URL',
        );
      }
      return fileData(block, source.url, source.mediaType);
  }
}

function fileData(block: MediaBlock, uri: string, mediaType: string | undefined): JsonObject {
  const type = mediaType ?? (isNative(block) ? undefined : guessMediaType(uri, block.type));
  return finished(block, { fileData: type === undefined ? { fileUri: uri } : { fileUri: uri, mimeType: type } });
}

function fileField(block: MediaBlock): string {
  return block.type === 'image' ? 'image_url' : `file.${(block as FileBlock).type === 'file' ? 'file_id' : 'id'}`;
}

function urlField(block: MediaBlock): string {
  if (block.type === 'image') return 'image_url.url';
  return block.type === 'audio' ? 'input_audio' : 'file';
}

function refuse(param: string, reason: string): never {
  throw new GatewayError('REQ_INVALID', { reason: `${param} ${reason}.` }, { param, retry: 'next-target' });
}

/** The part with its unknown fields (in the part and in the object inside it) and its spelling put back. */
function finished(block: Block, part: JsonObject): JsonObject {
  if (!isNative(block)) return part;
  const { fields, notes } = kept(block);
  const snake = notes.snake ?? [];
  const result: JsonObject = { ...fields };
  for (const [key, value] of Object.entries(part)) {
    const extra = fields[key];
    const inner = isObject(value) ? { ...(isObject(extra) ? extra : {}), ...value } : value;
    result[key] = isObject(inner) && spelledInside.has(key) ? asWritten(inner, snake) : inner;
  }
  return asWritten(result, snake);
}

const spelledInside = new Set(['functionCall', 'functionResponse', 'inlineData', 'fileData']);

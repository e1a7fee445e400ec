import { createHash } from 'node:crypto';
import type { Block, CacheMark, Citation, FileBlock, MediaSource, Message } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { encodeCallId } from '../anthropic-messages/call-ids.ts';
import { clientPath } from '../anthropic-messages/client-path.ts';
import { type BlockScope, inlined, inputOf } from '../anthropic-messages/encode-block.ts';
import { carriedFields, spellingOf, unsupportedContent } from '../anthropic-messages/fields.ts';
import { imageTypes, mediaTypeOf } from '../anthropic-messages/media.ts';
import { loseForeignCarry } from '../carry.ts';
import { present } from '../present.ts';
import { dialectId, sealRedacted } from './decode-block.ts';
import { audioFormat, documentFormat, documentName, videoFormat } from './formats.ts';

export interface ConverseScope extends BlockScope {
  readonly shortCallIds: boolean;
  /** Document names already used in this request. */
  readonly documentNames: Set<string>;
}

export const toolNameLimit = 64;
export const forbiddenInNames = /[^a-zA-Z0-9_-]/g;
const callIds = /^[a-zA-Z0-9_.:-]+$/;
const shortCallIds = /^[a-zA-Z0-9]{9}$/;
const callIdLimit = 64;

/** The content of one message; `clientIndex` is its index in the client's own list. */
export function encodeBlocks(message: Message, clientIndex: number, scope: ConverseScope): JsonObject[] {
  let calls = 0;
  return message.blocks.flatMap((block, at) => {
    const callPath = `messages[${clientIndex}].tool_calls[${calls}].function.arguments`;
    if (block.type === 'tool-call') calls += 1;
    return encodeBlock(block, clientPath(message, clientIndex, at), callPath, scope);
  });
}

/** One block with the cache point behind it; empty when nothing of it is sent. */
function encodeBlock(block: Block, path: string, callPath: string, scope: ConverseScope): JsonObject[] {
  if (!scope.native) loseForeignCarry(block, dialectId, path, scope.lost);
  const encoded = encodePlain(block, path, callPath, scope);
  if (encoded === undefined) return [];
  const cache = block.cache ?? cacheInside(block, scope.native);
  return cache === undefined ? [encoded] : [encoded, cachePoint(cache, scope.native)];
}

/** A result's parts can have no cache points (`ToolResultContentBlock`): the last of their marks goes behind the result. */
function cacheInside(block: Block, native: boolean): CacheMark | undefined {
  if (native || block.type !== 'tool-result') return undefined;
  return block.content.findLast((part) => part.cache !== undefined)?.cache;
}

/** Lives that Bedrock does not have become the next longer one. */
export function cachePoint({ ttl }: CacheMark, native: boolean): JsonObject {
  if (ttl === undefined) return { cachePoint: { type: 'default' } };
  return { cachePoint: { type: 'default', ttl: native || ttl === '5m' ? ttl : '1h' } };
}

function encodePlain(block: Block, path: string, callPath: string, scope: ConverseScope): JsonObject | undefined {
  const carried = carriedFields(block, dialectId);
  switch (block.type) {
    case 'text':
      return encodeText(block, scope);
    case 'refusal':
      return block.text.trim() === '' ? undefined : { text: block.text };
    case 'image': {
      if (block.detail !== undefined && block.detail !== 'auto') scope.lost(`${path}.image_url.detail`);
      return { image: { ...encodeImage(block, path, scope.native), ...carried } };
    }
    case 'file':
      return encodeFile(block, path, scope);
    case 'video':
    case 'audio': {
      if (block.type === 'audio' && block.transcript) return { text: block.transcript };
      const { mediaType } = block.source as { mediaType?: string };
      const format = block.type === 'video' ? videoFormat(mediaType ?? '') : audioFormat(mediaType ?? '');
      if (!scope.native && !format)
        throw unsupportedContent(path, `${block.type} of type ${mediaType ?? 'unknown'} is not taken`);
      return { [block.type]: { ...sourceOf(block, path), ...formatOf(block, format), ...carried } };
    }
    case 'reasoning': {
      const proven = block.maker !== undefined && block.maker === scope.maker;
      if (proven && block.encrypted !== undefined) {
        const raw = spellingOf(block, dialectId, '$raw') === true;
        return { reasoningContent: { redactedContent: raw ? block.encrypted : sealRedacted(block.encrypted) } };
      }
      if ((proven && block.signature !== undefined) || scope.native) {
        return {
          reasoningContent: {
            reasoningText: present({ text: block.text ?? '', signature: block.signature, ...carried }),
          },
        };
      }
      if (scope.inToolLoop) scope.lost(path);
      return undefined;
    }
    case 'tool-call': {
      const input = inputOf(block, callPath);
      const type = spellingOf(block, dialectId, '$type');
      return {
        toolUse: {
          toolUseId: callId(block.id, scope),
          name: scope.names.toWire(block.name),
          input,
          ...present({ type }),
          ...carried,
        },
      };
    }
    case 'tool-result': {
      const content = block.content.flatMap((part) => {
        const { cache: _, ...unmarked } = part;
        return encodeBlock(scope.native ? part : (unmarked as Block), path, callPath, scope);
      });
      const absent = spellingOf(block, dialectId, '$content') === 'absent' && content.length === 0;
      const status = block.isError === undefined ? undefined : block.isError ? 'error' : 'success';
      return {
        toolResult: {
          toolUseId: callId(block.callId, scope),
          ...(absent ? {} : { content }),
          ...present({ status }),
          ...carried,
        },
      };
    }
    case 'provider-item':
      if (block.dialect === dialectId) return block.value;
      scope.lost(path);
      return undefined;
  }
}

export function encodeCitation(citation: Citation): JsonObject {
  const read = citation.carry?.[dialectId];
  const location = citation.url === undefined ? undefined : { web: { url: citation.url } };
  return (
    read ??
    present({
      title: citation.title,
      location,
      sourceContent: citation.text === undefined ? undefined : [{ text: citation.text }],
    })
  );
}

function encodeText(block: Extract<Block, { type: 'text' }>, scope: ConverseScope): JsonObject | undefined {
  if (!scope.native && block.text.trim() === '') return undefined;
  const form = spellingOf(block, dialectId, '$form');
  if (form === 'citations') {
    return {
      citationsContent: present({ content: [{ text: block.text }], citations: block.citations?.map(encodeCitation) }),
    };
  }
  return form === 'json' ? { json: JSON.parse(block.text) as JsonValue } : { text: block.text };
}

function encodeImage(block: Extract<Block, { type: 'image' }>, path: string, native: boolean): JsonObject {
  const source = inlined(block.source);
  if (native || source.kind !== 'base64')
    return { ...sourceOf({ ...block, source }, path), ...formatOf(block, imageFormat(block.source)) };
  const mediaType = mediaTypeOf(source.data, source.mediaType);
  if (!imageTypes.has(mediaType))
    throw unsupportedContent(path, `images must be JPEG, PNG, GIF or WebP, not ${mediaType}`);
  return { format: mediaType.slice('image/'.length), source: { bytes: source.data } };
}

function imageFormat(source: MediaSource): string | undefined {
  return source.kind === 'base64' || source.kind === 'url' ? source.mediaType?.slice('image/'.length) : undefined;
}

function encodeFile(block: FileBlock, path: string, scope: ConverseScope): JsonObject {
  const carried = carriedFields(block, dialectId);
  const source = inlined(block.source);
  if (scope.native)
    return {
      document: {
        ...sourceOf(block, path),
        ...formatOf(block, undefined),
        ...present({ name: block.name }),
        ...carried,
      },
    };
  const name = documentName(block.name, scope.documentNames);
  if (source.kind !== 'base64') return { document: { name, format: 'txt', ...sourceOf({ ...block, source }, path) } };
  const mediaType = mediaTypeOf(source.data, source.mediaType);
  if (imageTypes.has(mediaType))
    return { image: { format: mediaType.slice('image/'.length), source: { bytes: source.data } } };
  const format = documentFormat(mediaType, block.name);
  if (format === undefined) throw unsupportedContent(path, `files of type ${mediaType} are not taken`);
  return { document: { name, format, source: { bytes: source.data } } };
}

/** `{source}` of media; only inline data and S3 locations exist here. */
function sourceOf(block: Block & { readonly source: MediaSource }, path: string): JsonObject {
  const { source } = block;
  if (source.kind === 'base64') return { source: { bytes: source.data } };
  if (source.kind === 'text') return { source: { text: source.text } };
  const uri = source.kind === 'url' ? source.url : source.kind === 'file' ? source.id : '';
  if (uri.startsWith('s3://')) {
    return {
      source: {
        s3Location: { uri, ...present({ bucketOwner: spellingOf(block, dialectId, '$bucketOwner') }) },
      },
    };
  }
  throw unsupportedContent(
    path,
    source.kind === 'url' ? 'URLs are not taken; the media must be sent inline' : 'stored files are not taken',
  );
}

function formatOf(block: Block, format: string | undefined): JsonObject {
  return present({ format: spellingOf(block, dialectId, '$format') ?? format });
}

function callId(id: string, scope: ConverseScope): string {
  if (!scope.shortCallIds) return encodeCallId(id, callIds, callIdLimit);
  if (shortCallIds.test(id)) return id;
  return BigInt(`0x${createHash('sha256').update(id).digest('hex').slice(0, 16)}`)
    .toString(36)
    .padStart(9, '0')
    .slice(-9);
}

/** Whether a turn has a document but no words, which Bedrock refuses. */
export function lacksText(content: readonly JsonObject[]): boolean {
  return content.some((block) => isObject(block.document)) && !content.some((block) => block.text !== undefined);
}

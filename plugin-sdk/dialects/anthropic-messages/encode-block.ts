import type { Block, CacheMark, Carrier, Citation, MediaSource, ToolCallBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { loseForeignCarry } from '../carry.ts';
import { present } from '../present.ts';
import type { ToolNames } from '../tool-names.ts';
import { encodeCallId } from './call-ids.ts';
import { dialectId } from './dialect-id.ts';
import { carriedFields, invalidField, spellingOf, unsupportedContent } from './fields.ts';
import { imageTypes, mediaTypeOf } from './media.ts';
import { spokenBlock, spokenSource } from './spoken-blocks.ts';

/** What the blocks of a request need to know of the whole. */
export interface BlockScope {
  /** The conversation was read from this dialect: it is written as it was, not repaired. */
  readonly native: boolean;
  readonly names: ToolNames;
  /** Whose proofs the model accepts. */
  readonly maker: string | undefined;
  /** This block stands in the running tool loop, where dropped thinking matters. */
  readonly inToolLoop: boolean;
  lost(path: string): void;
}

/** One character that a tool name may not have. */
export const forbiddenInNames = /[^a-zA-Z0-9_-]/g;
export const toolNameLimit = 128;
const callIds = /^[a-zA-Z0-9_-]+$/;

/** One block of a request, or `undefined` when nothing of it is sent. `path` is in the client's words. */
export function encodeBlock(block: Block, path: string, callPath: string, scope: BlockScope): JsonObject | undefined {
  if (!scope.native) loseForeignCarry(block, dialectId, path, scope.lost);
  const encoded = encodePlain(block, path, callPath, scope);
  if (encoded === undefined || block.type === 'provider-item') return encoded;
  return { ...encoded, ...cacheControl(block, scope.native), ...carriedFields(block, dialectId) };
}

function encodePlain(block: Block, path: string, callPath: string, scope: BlockScope): JsonObject | undefined {
  switch (block.type) {
    case 'text':
      if (!scope.native && block.text.trim() === '') return undefined;
      return spokenBlock(block) ?? { type: 'text', text: block.text, ...ownCitations(block.citations) };
    case 'refusal':
      return block.text.trim() === '' ? undefined : { type: 'text', text: block.text };
    case 'image':
      if (block.detail !== undefined && block.detail !== 'auto') scope.lost(`${path}.image_url.detail`);
      return { type: 'image', source: encodeImageSource(block.source, path, scope.native) };
    case 'file': {
      const source = spokenSource(block);
      return { ...encodeFile(block.source, block.name, path, scope.native), ...present({ source }) };
    }
    case 'audio':
      if (block.transcript) return { type: 'text', text: block.transcript };
      throw unsupportedContent(path, 'this provider does not take audio');
    case 'video':
      throw unsupportedContent(path, 'this provider does not take video');
    case 'reasoning': {
      const proven = block.maker !== undefined && block.maker === scope.maker;
      if (proven && block.encrypted !== undefined) return { type: 'redacted_thinking', data: block.encrypted };
      if ((proven && block.signature !== undefined) || scope.native) {
        return present({ type: 'thinking', thinking: block.text ?? '', signature: block.signature });
      }
      if (scope.inToolLoop) scope.lost(path);
      return undefined;
    }
    case 'tool-call':
      return {
        type: 'tool_use',
        id: encodeCallId(block.id, callIds, 256),
        name: scope.names.toWire(block.name),
        input: inputOf(block, callPath),
      };
    case 'tool-result': {
      const content = block.content
        .map((part, index) => encodeBlock(part, `${path}.content[${index}]`, callPath, scope))
        .filter(isObject);
      const spelling = spellingOf(block, dialectId, '$content');
      const [first] = content;
      const asString = spelling === 'string' && content.length === 1 && first?.type === 'text';
      return {
        type: 'tool_result',
        tool_use_id: encodeCallId(block.callId, callIds, 256),
        ...(spelling === 'absent' && content.length === 0 ? {} : { content: asString ? first.text! : content }),
        ...present({ is_error: block.isError === false && !scope.native ? undefined : block.isError }),
      };
    }
    case 'provider-item':
      if (block.dialect === dialectId) return { ...block.value };
      scope.lost(path);
      return undefined;
  }
}

/** A call's arguments as an object. Throws REQ_INVALID naming `path` when they are not JSON. */
export function inputOf(call: ToolCallBlock, path: string): JsonObject {
  if (call.kind === 'custom') return { input: call.arguments };
  if (call.arguments.trim() === '') return {};
  let value: JsonValue;
  try {
    value = JSON.parse(call.arguments) as JsonValue;
  } catch {
    throw invalidField(path, 'valid JSON');
  }
  return isObject(value) ? value : { value };
}

/** `cache_control`; lives that Anthropic does not have become the next longer one. */
export function cacheControl(block: Carrier & { readonly cache?: CacheMark }, native: boolean): JsonObject {
  if (block.cache === undefined) return {};
  const spelling = spellingOf(block, dialectId, '$cache');
  if (spelling !== undefined) return { cache_control: spelling };
  const { ttl } = block.cache;
  if (ttl === undefined) return { cache_control: { type: 'ephemeral' } };
  return { cache_control: { type: 'ephemeral', ttl: native || ttl === '5m' ? ttl : '1h' } };
}

/** Citations in Anthropic's shape; those of another maker lack the index that Anthropic wants back. */
function ownCitations(citations: readonly Citation[] | undefined): JsonObject {
  if (citations === undefined || citations.some((citation) => citation.carry?.[dialectId] === undefined)) return {};
  return { citations: citations.map(encodeCitation) };
}

export function encodeCitation(citation: Citation): JsonObject {
  const carried = carriedFields(citation, dialectId);
  const type = typeof carried.type === 'string' ? carried.type : 'web_search_result_location';
  const titleKey = /^(char|page|content_block)_location$/.test(type) ? 'document_title' : 'title';
  const foreign =
    citation.carry?.[dialectId] === undefined
      ? { url: citation.url ?? '', encrypted_index: '', cited_text: '', title: null }
      : {};
  return {
    type,
    ...foreign,
    ...present({ url: citation.url, [titleKey]: citation.title, cited_text: citation.text }),
    ...carried,
  };
}

export function encodeImageSource(source: MediaSource, path: string, native: boolean): JsonObject {
  const inline = inlined(source);
  if (inline.kind === 'base64') {
    const mediaType = native ? inline.mediaType : mediaTypeOf(inline.data, inline.mediaType);
    if (!native && !imageTypes.has(mediaType))
      throw unsupportedContent(path, `images must be JPEG, PNG, GIF or WebP, not ${mediaType}`);
    return { type: 'base64', media_type: mediaType, data: inline.data };
  }
  return encodeReference(inline, path, native);
}

function encodeFile(source: MediaSource, name: string | undefined, path: string, native: boolean): JsonObject {
  const title = present({ title: name });
  const inline = inlined(source);
  if (inline.kind === 'text') {
    return {
      type: 'document',
      source: { type: 'text', media_type: inline.mediaType ?? 'text/plain', data: inline.text },
      ...title,
    };
  }
  if (inline.kind !== 'base64') return { type: 'document', source: encodeReference(inline, path, native), ...title };
  const mediaType = native ? inline.mediaType : mediaTypeOf(inline.data, inline.mediaType);
  if (!native && imageTypes.has(mediaType)) return { type: 'image', source: encodeImageSource(inline, path, native) };
  if (!native && isTextType(mediaType)) {
    const data = Buffer.from(inline.data, 'base64').toString();
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data }, ...title };
  }
  if (!native && mediaType !== 'application/pdf')
    throw unsupportedContent(path, `files must be PDF or text, not ${mediaType}`);
  return { type: 'document', source: { type: 'base64', media_type: mediaType, data: inline.data }, ...title };
}

function encodeReference(source: Exclude<MediaSource, { kind: 'base64' }>, path: string, native: boolean): JsonObject {
  if (source.kind === 'url') {
    if (!native && !source.url.startsWith('https://')) throw unsupportedContent(path, 'only https URLs are taken');
    return { type: 'url', url: source.url };
  }
  if (source.kind === 'text') return { type: 'text', media_type: source.mediaType ?? 'text/plain', data: source.text };
  if (!native && !source.id.startsWith('file_'))
    throw unsupportedContent(path, `${source.id} is not a file of this provider`);
  return { type: 'file', file_id: source.id };
}

function isTextType(mediaType: string): boolean {
  return mediaType.startsWith('text/') || mediaType === 'application/json' || mediaType === 'application/xml';
}

/** A `data:` URL as inline media; anything else as it is. */
export function inlined(source: MediaSource): MediaSource {
  if (source.kind !== 'url' || !source.url.startsWith('data:')) return source;
  const comma = source.url.indexOf(',');
  return { kind: 'base64', mediaType: source.url.slice(5, comma).split(';', 1)[0]!, data: source.url.slice(comma + 1) };
}

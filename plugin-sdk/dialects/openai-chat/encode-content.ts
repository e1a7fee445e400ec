import type { Block, CacheMark, MediaSource } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carried, reportForeign, wireFields } from '../openai/carry.ts';
import { audioFormat, urlOfSource } from '../openai/media.ts';
import { refuseUnsendable } from '../openai/unsendable.ts';
import { present } from '../present.ts';
import type { ChatCapabilities } from './capabilities.ts';
import { thinkingText } from './content-parts.ts';
import { isPlainText } from './decode-assistant.ts';

const dialect = 'openai.chat';

export interface ContentContext {
  readonly capabilities: ChatCapabilities;
  /** The value was read from this dialect, so what it holds can be written in it. */
  readonly own: boolean;
  /** An answer for a client, whose content is text alone; names the sound that it may have beside it. */
  readonly answer?: { readonly audioId: string; readonly expiresAt: number };
  lost(path: string): void;
}

/** A block with the path that reports it as lost. */
export interface PlacedBlock {
  readonly block: Block;
  readonly path: string;
}

/**
 * `content` of a message that is not the assistant's: a string for one plain text, else parts.
 * Text alone is joined into one string for targets that take no parts.
 */
export function encodeContent(
  placed: readonly PlacedBlock[],
  spelling: JsonValue | undefined,
  context: ContentContext,
): JsonValue {
  if (!context.own)
    for (const { block, path } of placed) refuseUnsendable(block, path, () => encodePart(block, context) !== undefined);
  const blocks = placed.map(({ block }) => block);
  if (isPlainText(blocks) && spelling !== 'parts') return (blocks[0] as { text: string }).text;
  const parts = encodeParts(placed, context);
  if (parts.length === 0) return spelling === 'parts' ? [] : '';
  return context.capabilities.contentParts === false ? (joined(parts) ?? parts) : parts;
}

function joined(parts: readonly JsonValue[]): string | undefined {
  const texts = parts.map((part) => (isObject(part) && part['type'] === 'text' ? part['text'] : undefined));
  return texts.every((text) => typeof text === 'string') ? texts.join('\n\n') : undefined;
}

/** Every block as a content part; those that cannot be one are reported and left out. */
export function encodeParts(placed: readonly PlacedBlock[], context: ContentContext): JsonValue[] {
  const parts: JsonValue[] = [];
  for (const { block, path } of placed) {
    reportForeign(block, dialect, path, context.lost);
    const part = encodePart(block, context);
    if (part === undefined) context.lost(path);
    else parts.push(withExtras(part, block, path, context));
  }
  return parts;
}

function withExtras(part: JsonValue, block: Block, path: string, context: ContentContext): JsonValue {
  if (!isObject(part) || block.type === 'provider-item') return part;
  const own = carried(block, dialect);
  return { ...wireFields(own), ...part, ...encodeCache(block.cache, own?.['$cache'], path, context) };
}

function encodePart(block: Block, context: ContentContext): JsonValue | undefined {
  const own = carried(block, dialect);
  const inner = isObject(own?.['$inner']) ? own['$inner'] : {};
  switch (block.type) {
    case 'text':
      return own?.['$part'] === 'string' ? block.text : { type: 'text', text: block.text };
    case 'refusal':
      return { type: 'refusal', refusal: block.text };
    case 'reasoning': {
      const raw = own?.['$thinking'];
      if (!isObject(raw)) return undefined;
      return thinkingText(raw) === block.text ? raw : { ...raw, thinking: [{ type: 'text', text: block.text ?? '' }] };
    }
    case 'image': {
      const url = urlOfSource(block.source, text(own?.['$mediaType']));
      if (url === undefined) return undefined;
      if (own?.['$image'] === 'string') return { type: 'image_url', image_url: url };
      return { type: 'image_url', image_url: { ...inner, ...present({ url, detail: block.detail }) } };
    }
    case 'audio':
      return encodeAudio(block, context.own);
    case 'video': {
      const url = urlOfSource(block.source);
      const allowed = context.own || context.capabilities.video === true;
      return url !== undefined && allowed ? { type: 'video_url', video_url: { ...inner, url } } : undefined;
    }
    case 'file':
      return encodeFile(block, own, inner, context);
    case 'provider-item':
      return block.dialect === dialect ? block.value : undefined;
    default:
      return undefined;
  }
}

/** OpenAI hears wav and mp3; what a chat client sent itself goes on as it was. */
function encodeAudio(block: Block & { type: 'audio' }, own: boolean): JsonObject | undefined {
  if (block.source.kind !== 'base64') return undefined;
  const format = audioFormat(block.source.mediaType);
  if (!own && format !== 'wav' && format !== 'mp3') return undefined;
  return { type: 'input_audio', input_audio: { data: block.source.data, format } };
}

function encodeFile(
  block: Block & { type: 'file' },
  read: JsonObject | undefined,
  inner: JsonObject,
  { own, capabilities }: ContentContext,
): JsonObject | undefined {
  const { source, name } = block;
  if (read?.['$part'] === 'document_url') return { type: 'document_url', document_url: urlOfSource(source) ?? '' };
  if (source.kind === 'text')
    return { type: 'text', text: name === undefined ? source.text : `${name}\n\n${source.text}` };
  if (source.kind === 'file')
    return { type: 'file', file: { ...inner, ...present({ file_id: source.id, filename: name }) } };
  if (source.kind === 'url') {
    const field = text(read?.['$file']) ?? (capabilities.fileUrls === true ? 'file_data' : undefined);
    if (field === undefined) return undefined;
    return { type: 'file', file: { ...inner, [field]: source.url, ...present({ filename: name }) } };
  }
  const media = own ? undefined : encodeMedia(source);
  if (media !== undefined) return media;
  // OpenAI refuses file data without a name.
  const filename = name ?? (own ? undefined : fileNameOf(source.mediaType));
  return {
    type: 'file',
    file: { ...inner, ...present({ file_data: urlOfSource(source, text(read?.['$mediaType'])), filename }) },
  };
}

/** A picture or sound that came as a file: OpenAI takes files for documents. */
function encodeMedia(source: Extract<MediaSource, { kind: 'base64' }>): JsonObject | undefined {
  if (source.mediaType.startsWith('audio/')) return encodeAudio({ type: 'audio', source }, false);
  if (!source.mediaType.startsWith('image/')) return undefined;
  return { type: 'image_url', image_url: present({ url: urlOfSource(source) }) };
}

function fileNameOf(mediaType: string): string {
  return `file.${mediaType.split('/')[1] ?? 'bin'}`;
}

function encodeCache(
  cache: CacheMark | undefined,
  spelling: JsonValue | undefined,
  path: string,
  { capabilities, own, lost }: ContentContext,
): JsonObject {
  if (cache === undefined) return {};
  const field = spelling ?? capabilities.cache ?? (own ? 'prompt_cache_breakpoint' : undefined);
  if (field === 'cache_control') return { cache_control: { type: 'ephemeral', ...cache } };
  if (field === 'prompt_cache_breakpoint') return { prompt_cache_breakpoint: { mode: 'explicit', ...longLife(cache) } };
  lost(`${path}.cache_control`);
  return {};
}

/** OpenAI knows 30m and 12h; shorter wishes are met by its default. */
function longLife({ ttl }: CacheMark): CacheMark {
  if (ttl === '1h') return { ttl: '12h' };
  return ttl === undefined || ttl === '5m' ? {} : { ttl };
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

import type { Block, CacheMark, FileBlock, TextBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader, invalid } from '../openai/field-reader.ts';
import { audioMediaType, sourceOfFileData, sourceOfUrl } from '../openai/media.ts';
import { present } from '../present.ts';

const dialect = 'openai.chat';

/**
 * `content` as blocks. The empty string is no block at all, since most formats refuse empty text.
 *
 * @param path Where the content stands in a request, for errors; `undefined` in a provider's answer.
 */
export function decodeContent(content: JsonValue | undefined, path?: string): Block[] {
  if (content === undefined || content === null || content === '') return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (Array.isArray(content))
    return content.map((part, i) => decodePart(part, path === undefined ? undefined : `${path}[${i}]`));
  if (path === undefined) return [];
  throw invalid(path, 'must be a string or an array of parts');
}

function decodePart(part: JsonValue, path: string | undefined): Block {
  // Mistral takes bare strings in the list.
  if (typeof part === 'string')
    return { type: 'text', text: part, ...carrying(dialect, undefined, { $part: 'string' }) };
  if (!isObject(part)) {
    if (path === undefined) return { type: 'text', text: '' };
    throw invalid(path, 'must be an object');
  }
  const decode = decoders[String(part['type'])];
  return decode?.(new FieldReader(part, path), part) ?? { type: 'provider-item', dialect, value: part };
}

type Decode = (reader: FieldReader, part: JsonObject) => Block | undefined;

const decoders: Readonly<Record<string, Decode | undefined>> = {
  text: decodeText,
  refusal: (reader) => {
    const text = reader.string('refusal');
    return text === undefined ? undefined : { type: 'refusal', text, ...carryPart(reader, { $part: 'refusal' }) };
  },
  thinking: decodeThinking,
  image_url: decodeImage,
  input_audio: decodeAudio,
  file: decodeFile,
  video_url: decodeVideo,
  document_url: decodeDocument,
};

function decodeText(reader: FieldReader): TextBlock | undefined {
  const text = reader.string('text');
  if (text === undefined) return undefined;
  const { cache, spelling } = decodeCache(reader);
  return present({ type: 'text' as const, text, cache, ...carryPart(reader, spelling) });
}

/** Mistral's magistral models think in a content part. */
function decodeThinking(_: FieldReader, part: JsonObject): Block | undefined {
  const text = thinkingText(part);
  return text === undefined
    ? undefined
    : { type: 'reasoning', text, ...carrying(dialect, undefined, { $thinking: part }) };
}

export function thinkingText(part: JsonObject): string | undefined {
  const pieces = part['thinking'];
  if (typeof pieces === 'string') return pieces;
  if (!Array.isArray(pieces) || !pieces.every((piece) => isObject(piece) && typeof piece['text'] === 'string'))
    return undefined;
  return pieces.map((piece) => (piece as JsonObject)['text']).join('');
}

function decodeImage(reader: FieldReader, part: JsonObject): Block | undefined {
  const image = part['image_url'];
  reader.understood('image_url');
  if (typeof image === 'string') {
    const { source, spelling } = sourceOfUrl(image);
    return { type: 'image', source, ...carryPart(reader, { $image: 'string', $mediaType: spelling }) };
  }
  if (!isObject(image)) return undefined;
  const inner = new FieldReader(image);
  const url = inner.string('url');
  if (url === undefined) return undefined;
  const { source, spelling } = sourceOfUrl(url);
  const detail = inner.oneOf('detail', ['auto', 'low', 'high', 'original']);
  const { cache, spelling: cacheSpelling } = decodeCache(reader);
  const spellings = { $mediaType: spelling, $inner: inner.rest(), ...cacheSpelling };
  return present({ type: 'image' as const, source, detail, cache, ...carryPart(reader, spellings) });
}

function decodeAudio(reader: FieldReader, part: JsonObject): Block | undefined {
  const { data, format } = isObject(part['input_audio']) ? part['input_audio'] : {};
  if (typeof data !== 'string' || typeof format !== 'string') return undefined;
  reader.understood('input_audio');
  const { cache, spelling } = decodeCache(reader);
  const source = { kind: 'base64', mediaType: audioMediaType(format), data } as const;
  return present({ type: 'audio' as const, source, cache, ...carryPart(reader, spelling) });
}

function decodeFile(reader: FieldReader, part: JsonObject): Block | undefined {
  if (!isObject(part['file'])) return undefined;
  const inner = new FieldReader(part['file']);
  const { source, field, mediaType } = fileSource(inner);
  if (source === undefined) return undefined;
  reader.understood('file');
  const name = inner.string('filename');
  const { cache, spelling } = decodeCache(reader);
  const spellings = { $inner: inner.rest(), $file: field, $mediaType: mediaType, ...spelling };
  return present({ type: 'file' as const, source, name, cache, ...carryPart(reader, spellings) });
}

/** OpenAI's chat takes ids and data; `file_url` is its word in responses, and OpenRouter reads URLs in `file_data`. */
function fileSource(file: FieldReader): { source?: FileBlock['source']; field?: string; mediaType?: string } {
  const id = file.string('file_id');
  if (id !== undefined) return { source: { kind: 'file', id } };
  for (const field of ['file_data', 'file_url']) {
    const data = file.peek(field);
    if (typeof data !== 'string') continue;
    const isUrl = /^(?:https?|gs|s3):/i.test(data);
    const name = file.peek('filename');
    const read =
      field === 'file_data' ? sourceOfFileData(data, typeof name === 'string' ? name : undefined) : undefined;
    if (!isUrl && read === undefined) continue;
    file.understood(field);
    return isUrl
      ? { source: { kind: 'url', url: data }, field }
      : present({ source: read?.source, mediaType: read?.spelling });
  }
  return {};
}

function decodeVideo(reader: FieldReader, part: JsonObject): Block | undefined {
  const video = part['video_url'];
  if (!isObject(video) || typeof video['url'] !== 'string') return undefined;
  reader.understood('video_url');
  const { url, ...inner } = video;
  const spellings = { $part: 'video_url', $inner: Object.keys(inner).length === 0 ? undefined : inner };
  return { type: 'video', source: sourceOfUrl(video['url']).source, ...carryPart(reader, spellings) };
}

/** Mistral's PDFs. */
function decodeDocument(reader: FieldReader): Block | undefined {
  const url = reader.string('document_url');
  if (url === undefined) return undefined;
  return { type: 'file', source: sourceOfUrl(url).source, ...carryPart(reader, { $part: 'document_url' }) };
}

/** OpenAI marks a breakpoint with `prompt_cache_breakpoint`, OpenRouter with Anthropic's `cache_control`. */
function decodeCache(reader: FieldReader): { cache?: CacheMark; spelling?: JsonObject } {
  const breakpoint = reader.peek('prompt_cache_breakpoint');
  if (isObject(breakpoint) && breakpoint['mode'] === 'explicit' && onlyTtl(breakpoint, 'mode')) {
    reader.understood('prompt_cache_breakpoint');
    return { cache: cacheMark(breakpoint) };
  }
  return decodeCacheControl(reader);
}

export function decodeCacheControl(reader: FieldReader): { cache?: CacheMark; spelling?: JsonObject } {
  const control = reader.peek('cache_control');
  if (!isObject(control) || control['type'] !== 'ephemeral' || !onlyTtl(control, 'type')) return {};
  reader.understood('cache_control');
  return { cache: cacheMark(control), spelling: { $cache: 'cache_control' } };
}

const lives: readonly JsonValue[] = ['5m', '30m', '1h', '12h'] satisfies CacheMark['ttl'][];

function onlyTtl(mark: JsonObject, word: string): boolean {
  return Object.keys(mark).every((key) => key === word || (key === 'ttl' && lives.includes(mark['ttl']!)));
}

function cacheMark(mark: JsonObject): CacheMark {
  return present({ ttl: mark['ttl'] as CacheMark['ttl'] });
}

function carryPart(reader: FieldReader, spellings?: JsonObject): ReturnType<typeof carrying> {
  reader.understood('type');
  return carrying(dialect, reader.rest(), spellings);
}

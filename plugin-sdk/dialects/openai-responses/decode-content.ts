import type { Block, Citation, TextBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader, invalid } from '../openai/field-reader.ts';
import { audioMediaType, type SpeltSource, sourceOfFileData, sourceOfUrl } from '../openai/media.ts';
import { present } from '../present.ts';

const dialect = 'openai.responses';

/**
 * Content of a message or of a tool's output as blocks; the empty string is no block.
 *
 * @param usualText The type of text parts that the role has: any other is noted.
 * @param path Where the content stands in a request, for errors; `undefined` in a provider's answer.
 */
export function decodeContent(content: JsonValue | undefined, usualText: string, path?: string): Block[] {
  if (content === undefined || content === null || content === '') return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (Array.isArray(content))
    return content.map((part, i) => decodePart(part, usualText, path === undefined ? path : `${path}[${i}]`));
  if (path === undefined) return [];
  throw invalid(path, 'must be a string or an array of parts');
}

function decodePart(part: JsonValue, usualText: string, path: string | undefined): Block {
  if (!isObject(part)) {
    if (path === undefined) return { type: 'text', text: '' };
    throw invalid(path, 'must be an object');
  }
  const reader = new FieldReader(part, path);
  return decodeKnown(reader, part, usualText) ?? { type: 'provider-item', dialect, value: part };
}

function decodeKnown(reader: FieldReader, part: JsonObject, usualText: string): Block | undefined {
  const type = part['type'];
  reader.understood('type');
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return decodeText(reader, type === usualText ? undefined : type);
    case 'refusal': {
      const text = reader.string('refusal');
      return text === undefined ? undefined : { type: 'refusal', text, ...carrying(dialect, reader.rest()) };
    }
    case 'input_image':
      return decodeImage(reader);
    case 'input_file':
      return decodeFile(reader);
    case 'input_audio':
      return decodeAudio(reader, part['input_audio']);
    default:
      return undefined;
  }
}

function decodeText(reader: FieldReader, part: string | undefined): TextBlock | undefined {
  const text = reader.string('text');
  if (text === undefined) return undefined;
  const citations = decodeCitations(reader);
  const cache = decodeCache(reader);
  return present({
    type: 'text' as const,
    text,
    citations,
    cache,
    ...carrying(dialect, reader.rest(), { $part: part }),
  });
}

function decodeCitations(reader: FieldReader): Citation[] | undefined {
  const annotations = reader.peek('annotations');
  if (!Array.isArray(annotations) || annotations.length === 0) return undefined;
  const citations = annotations.map(decodeCitation);
  if (!citations.every((citation) => citation !== undefined)) return undefined;
  reader.understood('annotations');
  return citations;
}

/** Citations of web pages; of files and containers only this dialect knows. */
export function decodeCitation(annotation: JsonValue | undefined): Citation | undefined {
  if (!isObject(annotation) || annotation['type'] !== 'url_citation') return undefined;
  const reader = new FieldReader(annotation);
  reader.understood('type');
  return present({
    url: reader.string('url'),
    title: reader.string('title'),
    start: reader.number('start_index'),
    end: reader.number('end_index'),
    ...carrying(dialect, reader.rest()),
  });
}

function decodeCache(reader: FieldReader): TextBlock['cache'] {
  const mark = reader.peek('prompt_cache_breakpoint');
  if (!isObject(mark) || mark['mode'] !== 'explicit') return undefined;
  const { ttl, mode: _, ...rest } = mark;
  if (Object.keys(rest).length > 0 || (ttl !== undefined && ttl !== '30m' && ttl !== '12h')) return undefined;
  reader.understood('prompt_cache_breakpoint');
  return ttl === undefined ? {} : { ttl };
}

function decodeImage(reader: FieldReader): Block | undefined {
  const detail = reader.oneOf('detail', ['auto', 'low', 'high', 'original']);
  const cache = decodeCache(reader);
  const url = reader.string('image_url');
  const id = url === undefined ? reader.string('file_id') : undefined;
  if (url === undefined && id === undefined) return undefined;
  const { source, spelling } = url === undefined ? { source: { kind: 'file' as const, id: id! } } : sourceOfUrl(url);
  return present({
    type: 'image' as const,
    source,
    detail,
    cache,
    ...carrying(dialect, reader.rest(), { $mediaType: spelling }),
  });
}

function decodeFile(reader: FieldReader): Block | undefined {
  const read = fileSource(reader);
  if (read === undefined) return undefined;
  const { source, spelling } = read;
  const name = reader.string('filename');
  const cache = decodeCache(reader);
  return present({
    type: 'file' as const,
    source,
    name,
    cache,
    ...carrying(dialect, reader.rest(), { $mediaType: spelling }),
  });
}

function fileSource(reader: FieldReader): SpeltSource | undefined {
  const url = reader.string('file_url');
  if (url !== undefined) return { source: { kind: 'url', url } };
  const data = reader.peek('file_data');
  if (typeof data === 'string') {
    const name = reader.peek('filename');
    const read = sourceOfFileData(data, typeof name === 'string' ? name : undefined);
    if (read !== undefined) reader.understood('file_data');
    return read;
  }
  const id = reader.string('file_id');
  return id === undefined ? undefined : { source: { kind: 'file', id } };
}

function decodeAudio(reader: FieldReader, audio: JsonValue | undefined): Block | undefined {
  const { data, format } = isObject(audio) ? audio : {};
  if (typeof data !== 'string' || typeof format !== 'string') return undefined;
  reader.understood('input_audio');
  return {
    type: 'audio',
    source: { kind: 'base64', mediaType: audioMediaType(format), data },
    ...carrying(dialect, reader.rest()),
  };
}

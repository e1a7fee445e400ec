import type { Block, Citation } from '../../conversation/index.ts';
import type { JsonObject, JsonValue } from '../../json.ts';
import { carried, wireFields } from '../openai/carry.ts';
import { audioFormat, urlOfSource } from '../openai/media.ts';
import { present } from '../present.ts';

const dialect = 'openai.responses';

/**
 * A block as a content part; `undefined` for one that has no such form. `own` blocks were read from this dialect and
 * keep forms that OpenAI itself may refuse.
 */
export function encodePart(
  block: Block,
  usualText: 'input_text' | 'output_text',
  own: boolean,
): JsonObject | undefined {
  const carry = carried(block, dialect);
  switch (block.type) {
    case 'text':
      return {
        type: textType(carry, usualText),
        text: block.text,
        ...encodeCitations(block, usualText),
        ...wireFields(carry),
      };
    case 'refusal':
      return { type: 'refusal', refusal: block.text, ...wireFields(carry) };
    case 'image': {
      const { detail } = block;
      const source = imageSource(block, carry?.['$mediaType']);
      // Without a detail OpenAI's own clients send auto.
      return (
        source && {
          type: 'input_image',
          ...source,
          ...present({ detail: own ? detail : (detail ?? 'auto') }),
          ...wireFields(carry),
        }
      );
    }
    case 'file': {
      const source = fileSource(block, own, carry?.['$mediaType']);
      return source && { ...source, ...wireFields(carry) };
    }
    case 'audio':
      if (block.source.kind !== 'base64' || !own) return undefined;
      return {
        type: 'input_audio',
        input_audio: { data: block.source.data, format: audioFormat(block.source.mediaType) },
        ...wireFields(carry),
      };
    case 'provider-item':
      return block.dialect === dialect ? block.value : undefined;
    default:
      return undefined;
  }
}

function textType(carry: JsonObject | undefined, usualText: string): string {
  const read = carry?.['$part'];
  return typeof read === 'string' ? read : usualText;
}

function imageSource({ source }: Block & { type: 'image' }, spelling: JsonValue | undefined): JsonObject | undefined {
  if (source.kind === 'file') return { file_id: source.id };
  const url = urlOfSource(source, textOf(spelling));
  return url === undefined ? undefined : { image_url: url };
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function fileSource(
  { source, name }: Block & { type: 'file' },
  own: boolean,
  spelling: JsonValue | undefined,
): JsonObject | undefined {
  switch (source.kind) {
    case 'text':
      return { type: 'input_text', text: name === undefined ? source.text : `${name}\n\n${source.text}` };
    case 'file':
      return { type: 'input_file', file_id: source.id, ...present({ filename: name }) };
    case 'url':
      return { type: 'input_file', file_url: source.url, ...present({ filename: name }) };
    case 'base64': {
      // OpenAI refuses file data without a name.
      const filename = name ?? (own ? undefined : `file.${source.mediaType.split('/')[1] ?? 'bin'}`);
      return { type: 'input_file', ...present({ file_data: urlOfSource(source, textOf(spelling)), filename }) };
    }
  }
}

function encodeCitations({ citations, text }: Block & { type: 'text' }, usualText: string): JsonObject {
  if (citations === undefined || usualText === 'input_text') return {};
  const annotations = citations
    .map((citation) =>
      encodeCitation(carried(citation, dialect) === undefined ? { start: 0, end: text.length, ...citation } : citation),
    )
    .filter((annotation) => annotation !== undefined);
  return annotations.length === 0 ? {} : { annotations };
}

/** A citation without a URL (a page of a document) has no form here. */
export function encodeCitation(citation: Citation): JsonObject | undefined {
  const { url, title, start: start_index, end: end_index } = citation;
  const carry = carried(citation, dialect);
  if (url === undefined && carry === undefined) return undefined;
  return { type: 'url_citation', ...present({ url, title, start_index, end_index }), ...wireFields(carry) };
}

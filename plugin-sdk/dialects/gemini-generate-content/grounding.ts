import type { Citation, TextBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';

/** A citation and the part of the answer that it supports. */
export interface GroundedCitation {
  readonly part: number;
  readonly citation: Citation;
}

/**
 * The citations in `groundingMetadata`: one for each source of each supported segment. Google counts segments in UTF-8
 * bytes of a part; `textOf` gives that part's text, so that start and end become indexes into the string.
 */
export function decodeGrounding(
  metadata: JsonObject,
  textOf: (part: number) => string | undefined,
): GroundedCitation[] {
  const chunks = listOf(metadata['groundingChunks']);
  const result: GroundedCitation[] = [];
  for (const support of listOf(metadata['groundingSupports'])) {
    const segment = isObject(support['segment']) ? support['segment'] : {};
    const part = numberOf(segment['partIndex']) ?? 0;
    const whole = textOf(part);
    const start = offsetOf(whole, numberOf(segment['startIndex']) ?? 0);
    const end = offsetOf(whole, numberOf(segment['endIndex']));
    for (const index of Array.isArray(support['groundingChunkIndices']) ? support['groundingChunkIndices'] : []) {
      const source = sourceOf(chunks[numberOf(index) ?? -1]);
      if (source !== undefined)
        result.push({ part, citation: present({ ...source, text: textIn(segment), start, end }) });
    }
  }
  return result;
}

function sourceOf(chunk: JsonObject | undefined): { url?: string; title?: string } | undefined {
  const source = chunk?.['web'] ?? chunk?.['retrievedContext'] ?? chunk?.['maps'];
  if (!isObject(source)) return undefined;
  const { uri, title } = source;
  return present({
    url: typeof uri === 'string' ? uri : undefined,
    title: typeof title === 'string' ? title : undefined,
  });
}

function textIn(segment: JsonObject): string | undefined {
  return typeof segment['text'] === 'string' ? segment['text'] : undefined;
}

/** A byte offset as an index into the string; the two are the same while all before it is ASCII. */
function offsetOf(text: string | undefined, bytes: number | undefined): number | undefined {
  if (text === undefined || bytes === undefined) return bytes;
  return Buffer.from(text).subarray(0, bytes).toString().length;
}

/**
 * `groundingMetadata` for an answer of another dialect; undefined when it cites no URL. A citation without a place is of
 * the whole text that it stands on.
 */
export function encodeGrounding(
  texts: readonly { readonly part: number; readonly block: TextBlock }[],
): JsonObject | undefined {
  const groundingChunks: JsonObject[] = [];
  const groundingSupports: JsonObject[] = [];
  for (const { part, block } of texts) {
    for (const { url, title, text, start, end } of block.citations ?? []) {
      if (url === undefined) continue;
      const index = groundingChunks.push({ web: present({ uri: url, title }) }) - 1;
      const bytesTo = (offset: number) => Buffer.byteLength(block.text.slice(0, offset));
      const endIndex = bytesTo(end ?? block.text.length);
      const segment = present({ partIndex: part, startIndex: bytesTo(start ?? 0), endIndex, text });
      groundingSupports.push({ segment, groundingChunkIndices: [index] });
    }
  }
  return groundingChunks.length > 0 ? { groundingChunks, groundingSupports } : undefined;
}

function listOf(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

import type { Block, Citation, ImageBlock, TextBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader } from '../openai/field-reader.ts';
import { audioMediaType } from '../openai/media.ts';
import { present } from '../present.ts';
import { decodeContent } from './content-parts.ts';
import { decodeReasoning } from './reasoning-fields.ts';
import { decodeToolCall } from './tool-calls.ts';

const dialect = 'openai.chat';

/**
 * The blocks of an assistant message, of a request's history or of an answer, in the order reasoning, content, refusal,
 * tool calls, images, audio. The caller keeps what is left in `reader`.
 */
export function decodeAssistant(
  reader: FieldReader,
  message: JsonObject,
  path?: string,
): { blocks: Block[]; spellings: JsonObject } {
  const reasoning = decodeReasoning(reader);
  const contentPath = path === undefined ? undefined : `${path}.content`;
  const content = withCitations(decodeContent(message['content'], contentPath), reader);
  reader.understood('content');
  const blocks = [
    ...reasoning.blocks,
    ...content,
    ...decodeRefusal(reader),
    ...decodeToolCalls(reader),
    ...decodeFunctionCall(reader),
    ...decodeImages(reader),
    ...decodeAudio(reader),
  ];
  return { blocks, spellings: { ...reasoning.spellings, $content: contentSpelling(message, content, blocks) } };
}

/** What {@link usualEmptyContent} and plain text would not tell: `parts`, `empty`, `null` or `absent`. */
function contentSpelling(
  message: JsonObject,
  content: readonly Block[],
  blocks: readonly Block[],
): JsonValue | undefined {
  const written = message['content'];
  if (content.length > 0) return Array.isArray(written) && isPlainText(content) ? 'parts' : undefined;
  const usual = usualEmptyContent(blocks);
  if (written === usual) return undefined;
  if (Array.isArray(written)) return 'parts';
  if (written === null) return 'null';
  return written === '' ? 'empty' : 'absent';
}

/** OpenAI gives null when there is something else to read, and requires content when there is not. */
export function usualEmptyContent(blocks: readonly Block[]): '' | null {
  return blocks.some(({ type }) => type !== 'reasoning') ? null : '';
}

/** One text with nothing attached, which is written as a string. */
export function isPlainText(blocks: readonly Block[]): boolean {
  const [block] = blocks;
  return blocks.length === 1 && block?.type === 'text' && block.cache === undefined && block.carry === undefined;
}

function decodeRefusal(reader: FieldReader): Block[] {
  if (!isFilled(reader.peek('refusal'))) return [];
  const text = reader.string('refusal');
  return text === undefined ? [] : [{ type: 'refusal', text }];
}

function decodeToolCalls(reader: FieldReader): Block[] {
  const calls = reader.peek('tool_calls');
  if (!Array.isArray(calls) || calls.length === 0 || !calls.every(isObject)) return [];
  reader.understood('tool_calls');
  return calls.map(decodeToolCall);
}

/** The deprecated single call. It has no id, so the name stands in for one. */
function decodeFunctionCall(reader: FieldReader): Block[] {
  const call = reader.peek('function_call');
  if (!isObject(call) || typeof call['name'] !== 'string') return [];
  reader.understood('function_call');
  const written = typeof call['arguments'] === 'string' ? call['arguments'] : '';
  const { name } = call;
  return [
    {
      type: 'tool-call',
      id: call['name'],
      name: name as string,
      arguments: written,
      ...carrying(dialect, undefined, { $in: 'function_call' }),
    },
  ];
}

/** OpenRouter's image models answer with `images`. */
function decodeImages(reader: FieldReader): ImageBlock[] {
  const images = reader.peek('images');
  if (!Array.isArray(images) || images.length === 0) return [];
  const blocks = decodeContent(images);
  if (!blocks.every((block) => block.type === 'image')) return [];
  reader.understood('images');
  return blocks.map((block) => ({
    ...block,
    ...carrying(dialect, undefined, { ...block.carry?.[dialect], $in: 'images' }),
  }));
}

function decodeAudio(reader: FieldReader): Block[] {
  const audio = reader.peek('audio');
  if (!isObject(audio) || typeof audio['id'] !== 'string') return [];
  reader.understood('audio');
  const inner = new FieldReader(audio);
  const id = inner.string('id')!;
  const data = inner.string('data');
  // The format is the one that the request asked for; the answer does not repeat it.
  const source =
    data === undefined
      ? { kind: 'file' as const, id }
      : { kind: 'base64' as const, mediaType: audioMediaType('wav'), data };
  const transcript = inner.string('transcript');
  return [
    present({ type: 'audio' as const, source, id, transcript, ...carrying(dialect, inner.rest(), { $in: 'audio' }) }),
  ];
}

/** Annotations stand beside the content; in the conversation they belong to its first text. */
function withCitations(content: Block[], reader: FieldReader): Block[] {
  const annotations = reader.peek('annotations');
  const at = content.findIndex(({ type }) => type === 'text');
  if (!Array.isArray(annotations) || annotations.length === 0 || at < 0) return content;
  const citations = annotations.map(decodeCitation).filter((citation) => citation !== undefined);
  if (citations.length === 0) return content;
  // Others among them are kept with the message, in the order of all.
  if (citations.length === annotations.length) reader.understood('annotations');
  return content.with(at, { ...(content[at] as TextBlock), citations });
}

export function decodeCitation(annotation: JsonValue): Citation | undefined {
  if (!isObject(annotation) || annotation['type'] !== 'url_citation' || !isObject(annotation['url_citation']))
    return undefined;
  const outer = new FieldReader(annotation);
  outer.oneOf('type', ['url_citation']);
  outer.understood('url_citation');
  const reader = new FieldReader(annotation['url_citation']);
  return present({
    url: reader.string('url'),
    title: reader.string('title'),
    text: reader.string('content'),
    start: reader.number('start_index'),
    end: reader.number('end_index'),
    ...carrying(dialect, outer.rest(), { $inner: reader.rest() }),
  });
}

function isFilled(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null && value !== '';
}

import type { Block, Citation, MediaSource, ReasoningBlock, ToolCallBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { wavHeader } from '../../wav.ts';
import { carried, reportForeign, wireFields } from '../openai/carry.ts';
import { present } from '../present.ts';
import { isPlainText, usualEmptyContent } from './decode-assistant.ts';
import { type ContentContext, encodeParts, type PlacedBlock } from './encode-content.ts';
import { encodeReasoning, hasProof, type ReasoningField } from './reasoning-fields.ts';
import { encodeToolCall } from './tool-calls.ts';

const dialect = 'openai.chat';

/** Which reasoning goes out: everything to a client; to a provider what it takes, and only proofs it made itself. */
export interface ReasoningPolicy {
  readonly field: ReasoningField | false | undefined;
  accepts(maker: string | undefined): boolean;
}

export const showEverything: ReasoningPolicy = { field: undefined, accepts: () => true };

/** The fields of an assistant message but `role`; inverse of `decodeAssistant`. `own` is what chat left on the message. */
export function encodeAssistant(
  placed: readonly PlacedBlock[],
  own: JsonObject | undefined,
  policy: ReasoningPolicy,
  context: ContentContext,
): JsonObject {
  const sorted = sortBlocks(placed.filter(({ block }) => !isForeignItem(block)));
  for (const { block, path } of placed)
    if (isForeignItem(block)) context.lost(path);
    else if (!sorted.content.some((content) => content.block === block))
      reportForeign(block, dialect, path, context.lost);
  return {
    ...wireFields(own),
    ...encodeHistory(sorted.reasoning, own?.['$reasoning'], policy, context),
    content: encodeAssistantContent(sorted.content, own?.['$content'], placed, context),
    ...encodeRefusal(sorted.refusals),
    ...(own?.['annotations'] === undefined ? encodeCitations(sorted.content, context) : {}),
    ...encodeCalls(sorted.calls, policy, context),
    ...encodeMedia(sorted.media, context),
  };
}

interface SortedBlocks {
  readonly reasoning: ReasoningBlock[];
  readonly content: PlacedBlock[];
  readonly refusals: string[];
  readonly calls: Block[];
  readonly media: PlacedBlock[];
}

function sortBlocks(placed: readonly PlacedBlock[]): SortedBlocks {
  const sorted: SortedBlocks = { reasoning: [], content: [], refusals: [], calls: [], media: [] };
  for (const one of placed) {
    const { block } = one;
    const own = carried(block, dialect);
    if (block.type === 'reasoning' && own?.['$thinking'] === undefined) sorted.reasoning.push(block);
    else if (block.type === 'refusal' && own?.['$part'] === undefined) sorted.refusals.push(block.text);
    else if (block.type === 'tool-call' || own?.['$in'] === 'tool_calls') sorted.calls.push(block);
    else if (block.type === 'audio' || (block.type === 'image' && own?.['$part'] === undefined)) sorted.media.push(one);
    else sorted.content.push(one);
  }
  return sorted;
}

function encodeHistory(
  blocks: readonly ReasoningBlock[],
  spelling: JsonValue | undefined,
  policy: ReasoningPolicy,
  { own }: ContentContext,
): JsonObject {
  if (Array.isArray(spelling)) return encodeReasoning(blocks, spelling);
  if (policy.field === false && !own) return {};
  const allowed = blocks.map((block) =>
    own || !hasProof(block) || policy.accepts(block.maker) ? block : withoutProof(block),
  );
  return encodeReasoning(allowed, own || !policy.field ? undefined : [policy.field]);
}

function withoutProof({ signature: _, encrypted: __, ...block }: ReasoningBlock): ReasoningBlock {
  return block;
}

/** What another format alone has a word for has no place in this one. */
function isForeignItem(block: Block): boolean {
  return block.type === 'provider-item' && block.dialect !== dialect;
}

function encodeAssistantContent(
  given: readonly PlacedBlock[],
  spelling: JsonValue | undefined,
  all: readonly PlacedBlock[],
  context: ContentContext,
): JsonValue | undefined {
  const content = context.answer === undefined ? given : given.filter(({ block }) => block.type === 'text');
  if (content.length === 0) {
    if (spelling === 'absent') return undefined;
    if (spelling === 'parts') return [];
    if (spelling !== undefined) return spelling === 'null' ? null : '';
    return usualEmptyContent(all.map(({ block }) => block).filter((block) => !isForeignItem(block)));
  }
  const blocks = content.map(({ block }) => block);
  if (spelling === 'parts' || !blocks.every((block) => block.type === 'text')) return encodeParts(content, context);
  if (isPlainText(blocks)) return (blocks[0] as { text: string }).text;
  if (blocks.some((block) => block.cache !== undefined || carried(block, dialect) !== undefined))
    return encodeParts(content, context);
  for (const { block, path } of content) reportForeign(block, dialect, path, context.lost);
  return blocks.map((block) => block.text).join('');
}

function encodeRefusal(refusals: readonly string[]): JsonObject {
  return refusals.length === 0 ? {} : { refusal: refusals.join('\n\n') };
}

/** Annotations are of answers: as a part of a turn, servers that check it refuse them ("property … is unsupported", Groq). */
function encodeCitations(content: readonly PlacedBlock[], { own, answer, lost }: ContentContext): JsonObject {
  if (!own && answer === undefined) {
    for (const { block, path } of content)
      if (block.type === 'text' && block.citations?.length) lost(`${path}.citations`);
    return {};
  }
  const annotations: JsonObject[] = [];
  let offset = 0;
  for (const { block } of content) {
    if (block.type !== 'text') continue;
    for (const citation of block.citations ?? []) {
      const annotation = encodeCitation(own ? citation : inWhole(citation, offset, block.text.length));
      if (annotation !== undefined) annotations.push(annotation);
    }
    offset += block.text.length;
  }
  return annotations.length === 0 ? {} : { annotations };
}

/** Texts are joined here, and what cites without a place cites for its whole block. */
export function inWhole({ start = 0, ...citation }: Citation, offset: number, length: number): Citation {
  return { ...citation, start: offset + start, end: offset + (citation.end ?? length) };
}

/** A citation without a URL (a page of a document) has no form here. */
export function encodeCitation(citation: Citation): JsonObject | undefined {
  const own = carried(citation, dialect);
  if (citation.url === undefined && own === undefined) return undefined;
  const { url, title, text: content, start: start_index, end: end_index } = citation;
  const inner = isObject(own?.['$inner']) ? own['$inner'] : {};
  return {
    type: 'url_citation',
    url_citation: { ...inner, ...present({ url, title, content, start_index, end_index }) },
    ...wireFields(own),
  };
}

function encodeCalls(calls: readonly Block[], policy: ReasoningPolicy, context: ContentContext): JsonObject {
  const [first] = calls;
  if (first === undefined) return {};
  if (first.type === 'tool-call' && carried(first, dialect)?.['$in'] === 'function_call') {
    return { function_call: { name: first.name, arguments: first.arguments } };
  }
  return {
    tool_calls: calls.map((call) =>
      call.type === 'provider-item' ? call.value : encodeCall(call as ToolCallBlock, policy, context),
    ),
  };
}

function encodeCall(call: ToolCallBlock, policy: ReasoningPolicy, { own }: ContentContext): JsonObject {
  return encodeToolCall(call, own || policy.accepts(call.maker ?? 'google'), own);
}

function encodeMedia(media: readonly PlacedBlock[], context: ContentContext): JsonObject {
  const result: JsonObject = {};
  const images = media.filter(({ block }) => block.type === 'image');
  if (images.length > 0) result['images'] = encodeParts(images, context);
  for (const { block, path } of media) {
    if (block.type !== 'audio') continue;
    const data = block.source.kind === 'base64' ? soundOf(block.source, context.own) : undefined;
    const id = block.id ?? (block.source.kind === 'file' ? block.source.id : undefined);
    if (id === undefined && context.answer !== undefined && data !== undefined) {
      const { audioId, expiresAt } = context.answer;
      result['audio'] = { id: audioId, data, transcript: block.transcript ?? '', expires_at: expiresAt };
    } else if (id === undefined) context.lost(path);
    else
      result['audio'] = {
        ...present({ id, data, transcript: block.transcript }),
        ...wireFields(carried(block, dialect)),
      };
  }
  return result;
}

/** Bare samples are put into a file, since nothing here says how many there are in a second. */
export function soundOf({ mediaType, data }: Extract<MediaSource, { kind: 'base64' }>, own: boolean): string {
  if (own || !/^audio\/(?:l16|pcm)/i.test(mediaType)) return data;
  const samples = Buffer.from(data, 'base64');
  const rate = Number(/rate=(\d+)/.exec(mediaType)?.[1] ?? 24_000);
  return Buffer.concat([wavHeader(samples.length, rate), samples]).toString('base64');
}

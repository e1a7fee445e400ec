import type {
  Block,
  CacheMark,
  Message,
  ReasoningBlock,
  ToolCallBlock,
  ToolResultBlock,
} from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carried, reportForeign, wireFields } from '../openai/carry.ts';
import { filledArguments } from '../openai/filled-arguments.ts';
import { encodeProof } from '../openai/tool-call-proof.ts';
import { refuseUnsendable } from '../openai/unsendable.ts';
import { present } from '../present.ts';
import { usualText } from './decode-item.ts';
import { encodePart } from './encode-content.ts';
import type { ItemIds } from './item-ids.ts';
import { encryptedContent, isNativeMaker } from './sealed-proof.ts';

const dialect = 'openai.responses';

/** What decides how items are written. */
export interface ItemContext {
  /** The value was read from this dialect. */
  readonly own: boolean;
  /** Ids for the items of an answer; `undefined` in a request, where items need none. */
  readonly ids?: ItemIds;
  /** Calls of custom tools, whose outputs are items of another type. */
  readonly customCalls: ReadonlySet<string>;
  /** A prompt-cache breakpoint may be written. */
  readonly cache: boolean;
  /** Whose proofs may be sent. */
  accepts(maker: string | undefined): boolean;
  lost(path: string): void;
}

export interface PlacedBlock {
  readonly block: Block;
  readonly path: string;
}

/** The items that hold these blocks of one message, in order. */
export function encodeItems(placed: readonly PlacedBlock[], role: Message['role'], context: ItemContext): JsonObject[] {
  const items: JsonObject[] = [];
  for (const group of groupsOf(placed, context)) items.push(...encodeGroup(group, role, context));
  return items;
}

/** Blocks that share an item: a run of content, the pieces of one reasoning, or a single block. */
function groupsOf(placed: readonly PlacedBlock[], context: ItemContext): PlacedBlock[][] {
  const groups: PlacedBlock[][] = [];
  let last: Block | undefined;
  for (const one of placed) {
    if (last !== undefined && belongTogether(last, one.block, context)) groups.at(-1)!.push(one);
    else groups.push([one]);
    last = one.block;
  }
  return groups;
}

function belongTogether(before: Block, block: Block, context: ItemContext): boolean {
  if (block.type === 'reasoning')
    return before.type === 'reasoning' && block.id !== undefined && before.id === block.id;
  const startsItem = carried(block, dialect)?.['$item'] !== undefined;
  return isContent(before, context) && isContent(block, context) && !startsItem;
}

function encodeGroup(group: readonly PlacedBlock[], role: Message['role'], context: ItemContext): JsonObject[] {
  const { block, path } = group[0]!;
  if (isContent(block, context)) return encodeMessage(group, role, context);
  switch (block.type) {
    case 'reasoning':
      return encodeThinking(group, context);
    case 'tool-call':
      return [encodeCall(block, path, context)];
    case 'tool-result':
      return [encodeResult(block, path, context)];
    case 'provider-item':
      return [block.value];
    case 'image':
      return block.source.kind === 'base64' ? [imageCall(block, block.source.data, context)] : [];
    default:
      return [];
  }
}

/** Whether a block stands inside a message item. */
function isContent(block: Block, context: ItemContext): boolean {
  switch (block.type) {
    case 'reasoning':
    case 'tool-call':
    case 'tool-result':
      return false;
    case 'provider-item':
      return block.dialect !== dialect || isPart(block.value);
    case 'image':
      if (carried(block, dialect)?.['$call'] !== undefined) return false;
      return context.own || context.ids === undefined || block.source.kind !== 'base64';
    default:
      return true;
  }
}

/** Unknown content parts begin with the words of their direction; unknown items do not. */
function isPart(value: JsonObject): boolean {
  return /^(?:input|output)_/.test(String(value['type']));
}

function encodeThinking(group: readonly PlacedBlock[], context: ItemContext): JsonObject[] {
  const sendable: ReasoningBlock[] = [];
  for (const { block, path } of group) {
    if (block.type !== 'reasoning') continue;
    reportForeign(block, dialect, path, context.lost);
    if (context.own || context.ids !== undefined || canSend(block, context)) sendable.push(block);
    else if (block.text !== undefined || block.summary !== undefined) context.lost(path);
  }
  return sendable.length === 0 ? [] : [encodeReasoning(sendable, context)];
}

/** A reasoning item without OpenAI's own proof would be refused. */
function canSend(block: ReasoningBlock, context: ItemContext): boolean {
  return block.encrypted !== undefined && context.accepts(block.maker);
}

function imageCall(block: Block, result: string, { ids }: ItemContext): JsonObject {
  const call = carried(block, dialect)?.['$call'];
  return isObject(call) ? { ...call, result } : generatedImage(result, ids!);
}

/** An image that another provider's model made, in the form of OpenAI's image tool. */
export function generatedImage(data: string, ids: ItemIds): JsonObject {
  return { id: ids.next('ig'), type: 'image_generation_call', status: 'completed', result: data };
}

function encodeMessage(placed: readonly PlacedBlock[], role: Message['role'], context: ItemContext): JsonObject[] {
  const note = carried(placed[0]!.block, dialect)?.['$item'];
  const { typed, string, fields, writer } = isObject(note) ? note : {};
  const by = typeof writer === 'string' ? (writer as Message['role']) : role;
  for (const { block, path } of placed) reportForeign(block, dialect, path, context.lost);
  const parts: JsonValue[] = [];
  for (const { block, path } of placed) {
    const part = encodePart(block, usualText(by), context.own);
    if (by === 'user' && !context.own) refuseUnsendable(block, path, () => part !== undefined);
    if (part === undefined || (role === 'assistant' && !context.own && !writable(block))) context.lost(path);
    else parts.push({ ...part, ...encodeCache(block.cache, path, context) });
  }
  if (parts.length === 0) return [];
  const rest = isObject(fields) ? fields : {};
  if (context.ids !== undefined && !context.own) {
    return [
      { id: context.ids.next('msg'), type: 'message', status: 'completed', role, content: parts.map(answerPart) },
    ];
  }
  const type = typed === true ? { type: 'message' } : {};
  return [{ ...type, role: by, content: asString(placed, parts, string, context.own) ?? parts, ...rest }];
}

function writable({ type }: Block): boolean {
  return type === 'text' || type === 'refusal';
}

/** One plain text is written as a string, unless it was read as a part. */
function asString(
  placed: readonly PlacedBlock[],
  parts: readonly JsonValue[],
  string: JsonValue | undefined,
  own: boolean,
): string | undefined {
  const [only] = parts;
  const block = placed.length === 1 ? placed[0]!.block : undefined;
  if (!isObject(only) || block?.type !== 'text' || (own && string === false)) return undefined;
  return Object.keys(only).length === 2 ? block.text : undefined;
}

/** Answers state annotations and logprobs even where there are none. */
export function answerPart(part: JsonValue): JsonValue {
  return isObject(part) && part['type'] === 'output_text' ? { annotations: [], logprobs: [], ...part } : part;
}

function encodeCache(cache: CacheMark | undefined, path: string, context: ItemContext): JsonObject {
  if (cache === undefined) return {};
  if (!context.own && !context.cache) {
    context.lost(`${path}.cache_control`);
    return {};
  }
  const ttl = cache.ttl === '1h' ? '12h' : cache.ttl;
  return {
    prompt_cache_breakpoint: ttl === undefined || ttl === '5m' ? { mode: 'explicit' } : { mode: 'explicit', ttl },
  };
}

/** Blocks with one id are the pieces of one item. Words of another maker's thinking are shown as a summary. */
export function encodeReasoning(blocks: readonly ReasoningBlock[], context: ItemContext): JsonObject {
  const [first] = blocks as [ReasoningBlock];
  const own = carried(first, dialect);
  const proof = blocks.findLast(({ signature, encrypted }) => signature !== undefined || encrypted !== undefined);
  const texts = blocks.flatMap(({ text }) => (text === undefined ? [] : [text]));
  const asContent = isNativeMaker(first.maker) && context.own;
  const summaries = [...blocks.flatMap(({ summary }) => summary ?? []), ...(asContent ? [] : texts)];
  const encrypted_content = proof === undefined ? undefined : encryptedContent(proof);
  return {
    ...present({ id: first.id ?? context.ids?.next('rs'), type: 'reasoning' as const }),
    ...(own?.['$summary'] === 'absent' && summaries.length === 0
      ? {}
      : { summary: summaries.map((text) => ({ type: 'summary_text', text })) }),
    ...(asContent && texts.length > 0 ? { content: contentOf(texts, own?.['$content']) } : {}),
    ...(encrypted_content === undefined ? {} : { encrypted_content }),
    ...asObject(own?.['$rest']),
  };
}

function contentOf(texts: readonly string[], read: JsonValue | undefined): JsonValue[] {
  const same = Array.isArray(read) && read.join('') === texts.join('');
  return (same ? (read as string[]) : texts).map((text) => ({ type: 'reasoning_text', text }));
}

export function encodeCall(block: ToolCallBlock, path: string, context: ItemContext): JsonObject {
  reportForeign(block, dialect, path, context.lost);
  const own = carried(block, dialect);
  const custom = block.kind === 'custom';
  const id = block.itemId ?? context.ids?.next(custom ? 'ctc' : 'fc');
  const status =
    own?.['$status'] === undefined && context.ids !== undefined && !context.own ? 'completed' : own?.['$status'];
  return present({
    id,
    type: custom ? 'custom_tool_call' : 'function_call',
    ...(status === undefined ? {} : { status }),
    [custom ? 'input' : 'arguments']: context.own ? block.arguments : filledArguments(block),
    call_id: block.id,
    name: block.name,
    ...(context.own || context.ids !== undefined || context.accepts(block.maker ?? 'google') ? encodeProof(block) : {}),
    ...wireFields(own),
  });
}

function encodeResult(block: ToolResultBlock, path: string, context: ItemContext): JsonObject {
  reportForeign(block, dialect, path, context.lost);
  const own = carried(block, dialect);
  if (block.isError === true) context.lost(`${path}.is_error`);
  const type =
    own?.['$type'] ?? (context.customCalls.has(block.callId) ? 'custom_tool_call_output' : 'function_call_output');
  const { $id: id, $status: status } = own ?? {};
  return present({
    type,
    id,
    status,
    call_id: block.callId,
    output: encodeOutput(block, path, own?.['$output'], context),
    ...wireFields(own),
  });
}

function encodeOutput(
  block: ToolResultBlock,
  path: string,
  read: JsonValue | undefined,
  context: ItemContext,
): JsonValue {
  const [first] = block.content;
  if (read === 'null' && first === undefined) return null;
  if (first === undefined) return read === 'parts' ? [] : '';
  if (read !== 'parts' && block.content.every((one) => one.type === 'text' && one.cache === undefined)) {
    return block.content.map((one) => (one as { text: string }).text).join('\n\n');
  }
  const parts: JsonValue[] = [];
  block.content.forEach((one, k) => {
    const place = `${path}.content[${k}]`;
    reportForeign(one, dialect, place, context.lost);
    const part = encodePart(one, 'input_text', context.own);
    if (part === undefined) context.lost(place);
    else parts.push({ ...part, ...encodeCache(one.cache, place, context) });
  });
  return parts;
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

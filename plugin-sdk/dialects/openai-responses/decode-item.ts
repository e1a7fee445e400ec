import type { Block, Message, ReasoningBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader, invalid } from '../openai/field-reader.ts';
import { decodeProof } from '../openai/tool-call-proof.ts';
import { present } from '../present.ts';
import { decodeContent } from './decode-content.ts';
import { openEncryptedContent } from './sealed-proof.ts';

const dialect = 'openai.responses';

export interface DecodedItem {
  readonly role: Message['role'];
  readonly blocks: readonly Block[];
  /** A message of its own, not to be joined with neighbours of the same role. */
  readonly alone: boolean;
}

/**
 * One input or output item as blocks. The first block of every message item has a note `$item` with what the item says
 * beside its content; where one begins, a message item begins.
 */
export function decodeItem(item: JsonObject, path?: string): DecodedItem {
  const reader = new FieldReader(item, path);
  switch (item['type'] ?? 'message') {
    case 'message':
      return decodeMessage(reader, item, path);
    case 'reasoning':
      return assistant(decodeReasoning(reader));
    case 'function_call':
      return assistant(decodeCall(reader, 'function') ?? providerItem(item));
    case 'custom_tool_call':
      return assistant(decodeCall(reader, 'custom') ?? providerItem(item));
    case 'image_generation_call':
      return assistant(decodeImage(item) ?? providerItem(item));
    case 'function_call_output':
    case 'custom_tool_call_output':
      return { role: 'user', blocks: [decodeOutput(reader, item, path) ?? providerItem(item)], alone: false };
    default: {
      const answersCall = /_(?:output|response)$/.test(String(item['type']));
      return answersCall ? { role: 'user', blocks: [providerItem(item)], alone: false } : assistant(providerItem(item));
    }
  }
}

function assistant(block: Block): DecodedItem {
  return { role: 'assistant', blocks: [block], alone: false };
}

function providerItem(value: JsonObject): Block {
  return { type: 'provider-item', dialect, value };
}

const roles = ['system', 'developer', 'user', 'assistant'] as const;

function decodeMessage(reader: FieldReader, item: JsonObject, path: string | undefined): DecodedItem {
  const role = reader.oneOf('role', roles);
  if (role === undefined) {
    if (path !== undefined && typeof item['role'] !== 'string')
      throw invalid(`${path}.role`, `must be one of ${roles.join(', ')}`);
    return assistant(providerItem(item));
  }
  const alone = role !== 'assistant';
  const content = item['content'];
  const blocks = decodeContent(content, usualText(role), path === undefined ? undefined : `${path}.content`);
  const [first, ...others] = blocks;
  if (first === undefined) return { role, blocks: [providerItem(item)], alone };
  reader.understood('content');
  // A compacted response repeats the user's messages; its blocks all belong to one choice.
  const writer = path === undefined && role !== 'assistant' ? { writer: role } : {};
  const note = { typed: 'type' in item, string: typeof content === 'string', ...writer, ...itemFields(reader) };
  const marked = { ...first, ...carrying(dialect, undefined, { ...first.carry?.[dialect], $item: note }) };
  return { role, blocks: [marked, ...others], alone };
}

/** The type of text parts: what the model wrote is output, all else is input. */
export function usualText(role: Message['role']): 'input_text' | 'output_text' {
  return role === 'assistant' ? 'output_text' : 'input_text';
}

function itemFields(reader: FieldReader): JsonObject {
  reader.understood('type');
  const fields = reader.rest();
  return fields === undefined ? {} : { fields };
}

function decodeReasoning(reader: FieldReader): ReasoningBlock {
  const summary = textsOf(reader.peek('summary'), 'summary_text');
  const content = textsOf(reader.peek('content'), 'reasoning_text');
  reader.understood('type');
  if (summary !== undefined) reader.understood('summary');
  const written = content === undefined || content.length === 0 ? undefined : content;
  if (written !== undefined) reader.understood('content');
  const encrypted = reader.string('encrypted_content');
  const proof = encrypted === undefined ? {} : openEncryptedContent(encrypted);
  const foreignText = proof.maker !== undefined && proof.encrypted !== encrypted ? summary?.join('\n\n') : undefined;
  const text = written?.join('') ?? (foreignText === '' ? undefined : foreignText);
  return present({
    type: 'reasoning' as const,
    text,
    summary: summary === undefined || summary.length === 0 || foreignText !== undefined ? undefined : summary,
    ...proof,
    maker: proof.maker ?? 'openai',
    id: reader.string('id'),
    ...carrying(dialect, undefined, {
      $rest: reader.rest(),
      $summary: summary === undefined ? 'absent' : undefined,
      $content: written !== undefined && written.length > 1 ? written : undefined,
    }),
  });
}

/** Texts of parts that are all of one type and say nothing else. */
function textsOf(parts: JsonValue | undefined, type: string): string[] | undefined {
  if (!Array.isArray(parts)) return undefined;
  const texts = parts.map((part) =>
    isObject(part) && part['type'] === type && Object.keys(part).length === 2 ? part['text'] : undefined,
  );
  return texts.every((text) => typeof text === 'string') ? texts : undefined;
}

function decodeCall(reader: FieldReader, kind: 'function' | 'custom'): Block | undefined {
  const id = reader.string('call_id');
  const name = reader.string('name');
  const written = reader.string(kind === 'custom' ? 'input' : 'arguments');
  if (id === undefined || name === undefined || written === undefined) return undefined;
  reader.understood('type');
  const proof = decodeProof(reader);
  const itemId = reader.string('id');
  return present({
    type: 'tool-call' as const,
    id,
    name,
    arguments: written,
    kind: kind === 'custom' ? kind : undefined,
    itemId,
    ...proof,
    ...carryItem(reader),
  });
}

/** An image that a model made, which the next turn may be about. */
function decodeImage({ result, ...item }: JsonObject): Block | undefined {
  if (typeof result !== 'string' || result === '') return undefined;
  const format = typeof item['output_format'] === 'string' ? item['output_format'] : formatOf(result);
  const source = { kind: 'base64' as const, mediaType: `image/${format}`, data: result };
  return { type: 'image', source, ...carrying(dialect, undefined, { $call: item }) };
}

/** By how the file begins; a PNG unless it is known better. */
function formatOf(base64: string): string {
  if (base64.startsWith('/9j/')) return 'jpeg';
  return base64.startsWith('UklGR') ? 'webp' : 'png';
}

/** `status` is bookkeeping of the item; other fields mean something. */
function carryItem(reader: FieldReader, notes?: JsonObject): ReturnType<typeof carrying> {
  const { status, ...fields } = reader.rest() ?? {};
  return carrying(dialect, fields, { ...notes, $status: status });
}

function decodeOutput(reader: FieldReader, item: JsonObject, path: string | undefined): Block | undefined {
  const callId = reader.string('call_id');
  if (callId === undefined) return undefined;
  const output = item['output'];
  const content = decodeContent(output, 'input_text', path === undefined ? undefined : `${path}.output`);
  reader.understood('type');
  reader.understood('output');
  const note = {
    $type: item['type'] === 'function_call_output' ? undefined : item['type'],
    $output: Array.isArray(output) ? 'parts' : output === null || output === undefined ? 'null' : undefined,
    $id: reader.string('id'),
  };
  return { type: 'tool-result', callId, content, ...carryItem(reader, note) };
}

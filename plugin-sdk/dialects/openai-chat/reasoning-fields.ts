import type { ReasoningBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carried, carrying } from '../openai/carry.ts';
import type { FieldReader } from '../openai/field-reader.ts';
import { present } from '../present.ts';

/**
 * The three ways in which OpenAI-likes show reasoning: `reasoning_content` (DeepSeek, vLLM before 0.11), `reasoning`
 * (Groq, Cerebras, Ollama, vLLM) and OpenRouter's `reasoning_details`, the only one that can hold proofs.
 */
export type ReasoningField = 'reasoning_content' | 'reasoning' | 'reasoning_details';

const makers: Readonly<Record<string, string>> = {
  anthropic: 'anthropic-claude-v1',
  google: 'google-gemini-v1',
  openai: 'openai-responses-v1',
  azure: 'azure-openai-responses-v1',
  xai: 'xai-responses-v1',
};

/**
 * Reads reasoning from whichever fields hold it, once: a plain field that repeats the text of the details adds nothing.
 * `$reasoning` remembers the fields when they are not the ones that {@link encodeReasoning} would choose itself.
 */
export function decodeReasoning(reader: FieldReader): { blocks: ReasoningBlock[]; spellings: JsonObject } {
  const details = reader.peek('reasoning_details');
  const blocks: ReasoningBlock[] = [];
  const fields: ReasoningField[] = [];
  if (Array.isArray(details) && details.length > 0 && details.every(isDetail)) {
    blocks.push(...details.map(decodeDetail));
    fields.push('reasoning_details');
  }
  for (const field of ['reasoning_content', 'reasoning'] as const) {
    const text = reader.peek(field);
    if (typeof text !== 'string' || text === '') continue;
    if (blocks.length === 0) blocks.push({ type: 'reasoning', text });
    if (plainReasoning(blocks) === text) fields.push(field);
  }
  for (const field of fields) reader.understood(field);
  const usual = usualFields(blocks);
  const same = fields.length === usual.length && usual.every((field) => fields.includes(field));
  return { blocks, spellings: same ? {} : { $reasoning: fields } };
}

/** Writes reasoning blocks into `fields`, or into the usual ones: text plainly, details only where there are proofs. */
export function encodeReasoning(blocks: readonly ReasoningBlock[], fields?: readonly JsonValue[]): JsonObject {
  if (blocks.length === 0) return {};
  const result: JsonObject = {};
  const text = plainReasoning(blocks);
  for (const field of fields ?? usualFields(blocks)) {
    if (field === 'reasoning_details') result[field] = blocks.flatMap((block, index) => encodeDetails(block, index));
    else if (text !== '') result[field as ReasoningField] = text;
  }
  return result;
}

/** The words of reasoning, as one text. */
export function plainReasoning(blocks: readonly ReasoningBlock[]): string {
  return blocks.map((block) => block.text ?? block.summary?.join('\n\n') ?? '').join('');
}

/** `reasoning_details` entries of one block: words and proof may need one each. `index` is used when none was read. */
export function encodeDetails(block: ReasoningBlock, index: number): JsonObject[] {
  const read = carried(block, 'openai.chat')?.['$detail'];
  const frame = isObject(read) ? read : { format: formatOf(block.maker), index };
  const common = present({ id: block.id, ...frame });
  const details: JsonObject[] = [];
  if (block.text !== undefined || block.signature !== undefined) {
    const text = block.text ?? (isObject(read) ? undefined : '');
    details.push(present({ type: 'reasoning.text', text, signature: block.signature, ...common }));
  } else if (block.summary !== undefined && block.summary.length > 0) {
    details.push({ type: 'reasoning.summary', summary: block.summary.join('\n\n'), ...common });
  }
  if (block.encrypted !== undefined) details.push({ type: 'reasoning.encrypted', data: block.encrypted, ...common });
  return details;
}

/** Who made a proof, by OpenRouter's format word: `anthropic-claude-v1` is by anthropic. */
export function makerOf(format: JsonValue | undefined): string | undefined {
  if (typeof format !== 'string' || format === 'unknown') return undefined;
  return Object.keys(makers).find((maker) => makers[maker] === format) ?? format.split('-', 1)[0];
}

export function formatOf(maker: string | undefined): string {
  return maker === undefined ? 'unknown' : (makers[maker] ?? maker);
}

export function hasProof(block: ReasoningBlock): boolean {
  return block.signature !== undefined || block.encrypted !== undefined;
}

function usualFields(blocks: readonly ReasoningBlock[]): ReasoningField[] {
  const fields: ReasoningField[] = [];
  if (blocks.some(hasProof)) fields.push('reasoning_details');
  if (plainReasoning(blocks) !== '') fields.push('reasoning_content');
  return fields;
}

function isDetail(value: JsonValue): value is JsonObject {
  if (!isObject(value)) return false;
  const { type, text, signature, summary, data } = value;
  if (type === 'reasoning.text') return typeof text === 'string' || typeof signature === 'string';
  return type === 'reasoning.summary'
    ? typeof summary === 'string'
    : type === 'reasoning.encrypted' && typeof data === 'string';
}

function decodeDetail(detail: JsonObject): ReasoningBlock {
  const { type: _, text, signature, summary, data, id, ...frame } = detail;
  const signed = typeof signature === 'string' && signature !== '';
  const named = typeof id === 'string';
  if (!signed && signature !== undefined) frame['signature'] = signature;
  if (!named && id !== undefined) frame['id'] = id;
  return present({
    type: 'reasoning' as const,
    text: typeof text === 'string' ? text : undefined,
    signature: signed ? signature : undefined,
    summary: typeof summary === 'string' ? [summary] : undefined,
    encrypted: typeof data === 'string' ? data : undefined,
    id: named ? id : undefined,
    maker: makerOf(detail['format']),
    ...carrying('openai.chat', undefined, { $detail: frame }),
  });
}

import type { Block, Conversation, Message, OutputFormat, Reasoning } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { decodeEndUser, decodeMetadata } from '../openai/caller-fields.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader, invalid } from '../openai/field-reader.ts';
import { present } from '../present.ts';
import { decodeItem } from './decode-item.ts';
import { decodeToolChoice, decodeTools } from './tools.ts';

const dialect = 'openai.responses';

/** Reads a responses request (wire facts 1.3). Throws REQ_INVALID naming the field that is not this format. */
export function decodeRequest(body: JsonObject): Conversation {
  const reader = new FieldReader(body, '');
  const notes: JsonObject = { $read: true };
  const tools = reader.peek('tools');
  const toolList = Array.isArray(tools) && tools.length > 0 ? decodeTools(reader.array('tools')!) : undefined;
  const toolChoice = decodeToolChoice(reader.peek('tool_choice'));
  if (toolChoice !== undefined) reader.understood('tool_choice');
  const sampling = present({ temperature: reader.number('temperature'), topP: reader.number('top_p') });
  const text = decodeText(reader, notes);
  const conversation = {
    model: reader.string('model') ?? '',
    messages: [...decodeInstructions(reader), ...decodeInput(reader, notes)],
    tools: toolList,
    toolChoice,
    parallelToolCalls: reader.boolean('parallel_tool_calls'),
    output: text.output,
    sampling: Object.keys(sampling).length === 0 ? undefined : sampling,
    maxOutputTokens: reader.number('max_output_tokens'),
    reasoning: decodeReasoning(reader, notes),
    logprobs: decodeLogprobs(reader, notes),
    stream: reader.boolean('stream'),
    endUser: decodeEndUser(reader, notes),
    metadata: decodeMetadata(reader),
    serviceTier: reader.oneOf('service_tier', ['auto', 'default', 'flex', 'priority', 'scale']),
    verbosity: text.verbosity,
    store: reader.boolean('store'),
    previousId: reader.string('previous_response_id'),
  };
  return present({ ...conversation, ...carrying(dialect, reader.rest(), notes) });
}

/** Instructions are the first system message; a note keeps them apart from the input. */
function decodeInstructions(reader: FieldReader): Message[] {
  const instructions = reader.peek('instructions');
  if (typeof instructions !== 'string') return [];
  reader.understood('instructions');
  const blocks: Block[] = instructions === '' ? [] : [{ type: 'text', text: instructions }];
  return [{ role: 'system', blocks, ...carrying(dialect, undefined, { $instructions: true }) }];
}

function decodeInput(reader: FieldReader, notes: JsonObject): Message[] {
  const input = reader.peek('input');
  if (typeof input === 'string') {
    reader.understood('input');
    notes['$input'] = 'string';
    return [{ role: 'user', blocks: input === '' ? [] : [{ type: 'text', text: input }] }];
  }
  const items = reader.array('input', 'a string or an array of items');
  if (items === undefined) {
    notes['$input'] = 'absent';
    return [];
  }
  return decodeItems(items);
}

/** Items in a row that belong to one turn become one message: an assistant's reasoning, words and calls, or tool outputs. */
function decodeItems(items: readonly JsonValue[]): Message[] {
  const messages: Message[] = [];
  let open: { role: Message['role']; blocks: Block[] } | undefined;
  items.forEach((item, i) => {
    if (!isObject(item)) throw invalid(`input[${i}]`, 'must be an object');
    const { role, blocks, alone } = decodeItem(item, `input[${i}]`);
    if (open === undefined || alone || open.role !== role) {
      open = { role, blocks: [] };
      messages.push(open);
    }
    open.blocks.push(...blocks);
    if (alone) open = undefined;
  });
  return messages;
}

function decodeText(
  reader: FieldReader,
  notes: JsonObject,
): { output?: OutputFormat; verbosity?: Conversation['verbosity'] } {
  const text = reader.object('text');
  if (text === undefined) return {};
  const inner = new FieldReader(text, 'text');
  const verbosity = inner.oneOf('verbosity', ['low', 'medium', 'high']);
  const output = decodeFormat(inner.peek('format'), notes);
  if (output !== undefined) inner.understood('format');
  notes['$text'] = inner.rest() ?? {};
  return present({ output, verbosity });
}

function decodeFormat(format: JsonValue | undefined, notes: JsonObject): OutputFormat | undefined {
  if (!isObject(format)) return undefined;
  const reader = new FieldReader(format, 'text.format');
  const type = reader.oneOf('type', ['text', 'json_object', 'json_schema']);
  const schema = type === 'json_schema' ? reader.object('schema') : undefined;
  if (type === undefined || (type === 'json_schema' && schema === undefined)) return undefined;
  const named = { name: reader.string('name'), description: reader.string('description') };
  const strict = reader.boolean('strict');
  const rest = reader.rest();
  if (rest !== undefined) notes['$format'] = rest;
  if (schema !== undefined) return present({ type: 'schema' as const, ...named, schema, strict });
  return { type: type === 'text' ? 'text' : 'json' };
}

const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

function decodeReasoning(reader: FieldReader, notes: JsonObject): Reasoning | undefined {
  const reasoning = reader.object('reasoning');
  if (reasoning === undefined) return undefined;
  const inner = new FieldReader(reasoning, 'reasoning');
  const read = present({
    effort: inner.oneOf('effort', efforts),
    show: inner.oneOf('summary', ['auto', 'concise', 'detailed']),
  });
  notes['$reasoning'] = inner.rest() ?? {};
  return Object.keys(read).length === 0 ? undefined : read;
}

function decodeLogprobs(reader: FieldReader, notes: JsonObject): Conversation['logprobs'] {
  const include = reader.peek('include');
  if (!Array.isArray(include)) return undefined;
  if (include.every((word) => granted.includes(word))) {
    reader.understood('include');
    notes['$include'] = include;
  }
  if (!include.includes(logprobsWord)) return undefined;
  return present({ top: reader.number('top_logprobs') });
}

/** The word of `include` that asks for token probabilities. */
export const logprobsWord = 'message.output_text.logprobs';

/** What `include` asks for that answers of every provider give as far as they have it. */
const granted: readonly JsonValue[] = [logprobsWord, 'reasoning.encrypted_content'];

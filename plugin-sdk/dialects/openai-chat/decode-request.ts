import type { Conversation, OutputFormat, Reasoning, Sampling } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { decodeEndUser, decodeMetadata } from '../openai/caller-fields.ts';
import { carrying } from '../openai/carry.ts';
import { FieldReader, invalid } from '../openai/field-reader.ts';
import { present } from '../present.ts';
import { decodeMessages } from './decode-messages.ts';
import { decodeFunctions, decodeToolChoice, decodeTools } from './tools.ts';

const dialect = 'openai.chat';

/** Reads a chat request (wire facts 1.2). Throws REQ_INVALID naming the field that is not this format. */
export function decodeRequest(body: JsonObject): Conversation {
  const reader = new FieldReader(body, '');
  const messages = reader.array('messages');
  if (messages === undefined) throw invalid('messages', 'is missing');
  const spellings: JsonObject = { $read: true };
  const conversation = {
    model: reader.string('model') ?? '',
    messages: decodeMessages(messages),
    ...decodeToolFields(reader, spellings),
    output: decodeOutput(reader, spellings),
    sampling: decodeSampling(reader),
    maxOutputTokens: decodeLimit(reader, spellings),
    stop: decodeStop(reader, spellings),
    reasoning: decodeReasoningEffort(reader, spellings),
    choices: reader.number('n'),
    logprobs: decodeLogprobs(reader),
    modalities: decodeModalities(reader),
    stream: reader.boolean('stream'),
    streamUsage: decodeStreamUsage(reader, spellings),
    endUser: decodeEndUser(reader, spellings),
    metadata: decodeMetadata(reader),
    serviceTier: reader.oneOf('service_tier', ['auto', 'default', 'flex', 'priority', 'scale']),
    verbosity: reader.oneOf('verbosity', ['low', 'medium', 'high']),
    store: reader.boolean('store'),
  };
  return present({ ...conversation, ...carrying(dialect, reader.rest(), spellings) });
}

function decodeToolFields(reader: FieldReader, spellings: JsonObject): Partial<Conversation> {
  const tools = nonEmpty(reader.peek('tools'));
  const functions = nonEmpty(reader.peek('functions'));
  const choice = decodeToolChoice(reader.peek('tool_choice'));
  if (choice !== undefined) reader.understood('tool_choice');
  if (reader.peek('tool_choice') === 'any') spellings['$toolChoice'] = 'any';
  if (tools !== undefined) reader.array('tools');
  if (functions !== undefined) reader.array('functions');
  const all = [...decodeTools(tools ?? []), ...decodeFunctions(functions ?? [])];
  return present({
    tools: all.length === 0 ? undefined : all,
    toolChoice: choice ?? decodeFunctionChoice(reader, spellings),
    parallelToolCalls: reader.boolean('parallel_tool_calls'),
  });
}

/** The deprecated `function_call`: a mode, or `{name}`. */
function decodeFunctionChoice(reader: FieldReader, spellings: JsonObject): Conversation['toolChoice'] {
  const choice = reader.peek('function_call');
  const read =
    isObject(choice) && typeof choice['name'] === 'string'
      ? ({ type: 'tool', name: choice['name'] } as const)
      : choice === 'auto' || choice === 'none'
        ? ({ type: choice } as const)
        : undefined;
  if (read === undefined) return undefined;
  reader.understood('function_call');
  spellings['$toolChoice'] = 'function_call';
  return read;
}

function decodeOutput(reader: FieldReader, spellings: JsonObject): OutputFormat | undefined {
  const format = reader.object('response_format');
  if (format === undefined) return undefined;
  const { type, json_schema: schema, ...rest } = format;
  if (Object.keys(rest).length > 0) spellings['$output'] = rest;
  if (type === 'text') return { type: 'text' };
  if (type === 'json_object') return { type: 'json' };
  if (type === 'json_schema' && isObject(schema) && isObject(schema['schema'])) {
    const inner = new FieldReader(schema, 'response_format.json_schema');
    const output = present({
      type: 'schema' as const,
      name: inner.string('name'),
      description: inner.string('description'),
      schema: inner.object('schema') ?? {},
      strict: inner.boolean('strict'),
    });
    const left = inner.rest();
    if (left !== undefined) spellings['$schema'] = left;
    return output;
  }
  spellings['$output'] = format;
  return undefined;
}

function decodeSampling(reader: FieldReader): Sampling | undefined {
  const sampling = present({
    temperature: reader.number('temperature'),
    topP: reader.number('top_p'),
    // Not OpenAI's, but vLLM, SGLang, Ollama and OpenRouter take it at the top level.
    topK: reader.number('top_k'),
    frequencyPenalty: reader.number('frequency_penalty'),
    presencePenalty: reader.number('presence_penalty'),
    seed: reader.number('seed'),
    logitBias: reader.object('logit_bias') as Sampling['logitBias'],
  });
  return Object.keys(sampling).length === 0 ? undefined : sampling;
}

/** With both limits given the newer one counts; the older stays in the carry. */
function decodeLimit(reader: FieldReader, spellings: JsonObject): number | undefined {
  const limit = reader.number('max_completion_tokens');
  if (limit !== undefined) return limit;
  const older = reader.number('max_tokens');
  if (older !== undefined) spellings['$limit'] = 'max_tokens';
  return older;
}

const stopShape = 'a string or an array of strings';

function decodeStop(reader: FieldReader, spellings: JsonObject): readonly string[] | undefined {
  const stop = reader.peek('stop');
  if (typeof stop === 'string') {
    reader.understood('stop');
    spellings['$stop'] = 'string';
    return [stop];
  }
  const list = reader.array('stop', stopShape);
  if (list === undefined) return undefined;
  if (list.every((word) => typeof word === 'string')) return list;
  throw invalid('stop', `must be ${stopShape}`);
}

const efforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

/** `reasoning_effort`, or OpenRouter's `reasoning: {effort, max_tokens}`. */
function decodeReasoningEffort(reader: FieldReader, spellings: JsonObject): Reasoning | undefined {
  const effort = reader.oneOf('reasoning_effort', efforts);
  if (effort !== undefined) return { effort };
  const reasoning = reader.peek('reasoning');
  if (!isObject(reasoning)) return undefined;
  const inner = new FieldReader(reasoning, 'reasoning');
  const read = present({ effort: inner.oneOf('effort', efforts), budgetTokens: inner.number('max_tokens') });
  reader.understood('reasoning');
  spellings['$reasoning'] = inner.rest() ?? {};
  return Object.keys(read).length === 0 ? undefined : read;
}

function decodeLogprobs(reader: FieldReader): Conversation['logprobs'] {
  if (reader.peek('logprobs') !== true) return undefined;
  reader.understood('logprobs');
  return present({ top: reader.number('top_logprobs') });
}

function decodeModalities(reader: FieldReader): Conversation['modalities'] {
  const list = reader.peek('modalities');
  if (!Array.isArray(list) || !list.every((word) => word === 'text' || word === 'image' || word === 'audio'))
    return undefined;
  reader.understood('modalities');
  return list;
}

function decodeStreamUsage(reader: FieldReader, spellings: JsonObject): boolean | undefined {
  const options = reader.object('stream_options');
  if (options === undefined) return undefined;
  const { include_usage: usage, ...rest } = options;
  if (Object.keys(rest).length > 0 || typeof usage !== 'boolean') spellings['$streamOptions'] = rest;
  return typeof usage === 'boolean' ? usage : undefined;
}

function nonEmpty(value: JsonValue | undefined): JsonValue[] | undefined {
  return Array.isArray(value) && value.length > 0 ? value : undefined;
}

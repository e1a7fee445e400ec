import type {
  Block,
  Conversation,
  Message,
  OutputFormat,
  Reasoning,
  Sampling,
  Tool,
  ToolChoice,
} from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import { decodeCache, decodeContent } from './decode-block.ts';
import { dialectId } from './dialect-id.ts';
import {
  asObject,
  carrying,
  invalidField,
  readArray,
  readBoolean,
  readNumber,
  readObject,
  readString,
  readStrings,
  required,
  unknownFields,
} from './fields.ts';

const known = {
  body: new Set([
    ...['model', 'messages', 'system', 'tools', 'tool_choice', 'max_tokens', 'stop_sequences', 'stream', 'thinking'],
    ...['output_config', 'metadata', 'service_tier', 'temperature', 'top_p', 'top_k'],
  ]),
  message: new Set(['role', 'content']),
  tool: new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control']),
  toolChoice: new Set(['type', 'name', 'disable_parallel_tool_use']),
  outputConfig: new Set(['effort', 'format']),
  metadata: new Set(['user_id']),
};
const efforts: ReadonlySet<unknown> = new Set(['low', 'medium', 'high', 'xhigh', 'max']);

/**
 * Reads a Messages API body. The conversation always carries an entry for this dialect: the encoder knows by it that
 * the conversation is already in this format's shape and leaves its structure alone.
 */
export function decodeRequest(body: JsonObject): Conversation {
  const messages = required(readArray(body, 'messages', ''), 'messages', 'an array');
  const outputConfig = readObject(body, 'output_config', '');
  const metadata = readObject(body, 'metadata', '');
  const thinking = readObject(body, 'thinking', '');
  const thread = readObject(body, 'thread', '');
  const choice = readObject(body, 'tool_choice', '');
  const tier: Conversation['serviceTier'] =
    body.service_tier === 'standard_only' ? 'standard' : body.service_tier === 'auto' ? 'auto' : undefined;
  const reasoning = decodeReasoning(thinking, outputConfig);
  const output = decodeOutput(outputConfig);
  const carried: JsonObject = {
    ...unknownFields(body, known.body),
    ...present({
      service_tier: tier === undefined ? body.service_tier : undefined,
      thinking: thinking !== undefined && !isPlainThinking(thinking) ? thinking : undefined,
      output_config: outputConfig && restOfOutputConfig(outputConfig, output !== undefined),
      metadata: metadata && (unknownFields(metadata, known.metadata) ?? emptyOf(metadata)),
    }),
  };
  return {
    model: readString(body, 'model', '') ?? '',
    messages: [
      ...decodeSystem(body.system),
      ...messages.map((message, index) => decodeMessage(message, `messages[${index}]`)),
    ],
    ...present({
      tools: readArray(body, 'tools', '')?.map((tool, index) => decodeTool(tool, `tools[${index}]`)),
      toolChoice: choice && decodeToolChoice(choice),
      parallelToolCalls: choice && negated(readBoolean(choice, 'disable_parallel_tool_use', 'tool_choice.')),
      output,
      sampling: decodeSampling(body),
      maxOutputTokens: readNumber(body, 'max_tokens', ''),
      stop: readStrings(body, 'stop_sequences', ''),
      reasoning,
      stream: readBoolean(body, 'stream', ''),
      endUser: metadata && readString(metadata, 'user_id', 'metadata.'),
      serviceTier: tier,
      // A thread lies at Anthropic, which then knows what was said before.
      previousId: thread && readString(thread, 'previous_message_id', 'thread.'),
    }),
    carry: { [dialectId]: carried },
  };
}

function decodeSystem(system: JsonValue | undefined): Message[] {
  if (system == null) return [];
  if (typeof system !== 'string' && !Array.isArray(system)) throw invalidField('system', 'a string or an array');
  const spelling = { $system: typeof system === 'string' ? 'string' : 'blocks' };
  return [{ role: 'system', blocks: decodeContent(system, 'system'), ...carrying(dialectId, undefined, spelling) }];
}

function decodeMessage(value: JsonValue, path: string): Message {
  const object = asObject(value, path);
  const role = readString(object, 'role', `${path}.`);
  if (role !== 'user' && role !== 'assistant' && role !== 'system')
    throw invalidField(`${path}.role`, '"user", "assistant" or "system"');
  if (typeof object.content !== 'string' && !Array.isArray(object.content))
    throw invalidField(`${path}.content`, 'a string or an array');
  const blocks: Block[] = decodeContent(object.content, `${path}.content`);
  const spelling = { $content: typeof object.content === 'string' ? 'string' : 'blocks' };
  return { role, blocks, ...carrying(dialectId, unknownFields(object, known.message), spelling) };
}

function decodeTool(value: JsonValue, path: string): Tool {
  const object = asObject(value, path);
  if ((object.type != null && object.type !== 'custom') || !isObject(object.input_schema)) {
    return { type: 'provider', dialect: dialectId, value: object };
  }
  const mark = decodeCache(object.cache_control);
  const spelling =
    object.type === 'custom' || mark.spelling
      ? present({ $type: object.type ?? undefined, ...mark.spelling })
      : undefined;
  return {
    type: 'function',
    name: required(readString(object, 'name', `${path}.`), `${path}.name`, 'a string'),
    parameters: object.input_schema,
    ...present({
      description: readString(object, 'description', `${path}.`),
      strict: readBoolean(object, 'strict', `${path}.`),
      cache: mark.cache,
    }),
    ...carrying(dialectId, unknownFields(object, known.tool), spelling),
  };
}

function decodeToolChoice(choice: JsonObject): ToolChoice {
  const plain = unknownFields(choice, known.toolChoice) === undefined;
  if (plain && choice.type === 'auto') return { type: 'auto' };
  if (plain && choice.type === 'none') return { type: 'none' };
  if (plain && choice.type === 'any') return { type: 'required' };
  if (plain && choice.type === 'tool' && typeof choice.name === 'string') return { type: 'tool', name: choice.name };
  return { type: 'provider', dialect: dialectId, value: choice };
}

function decodeSampling(body: JsonObject): Sampling | undefined {
  const sampling = present({
    temperature: readNumber(body, 'temperature', ''),
    topP: readNumber(body, 'top_p', ''),
    topK: readNumber(body, 'top_k', ''),
  });
  return Object.keys(sampling).length === 0 ? undefined : sampling;
}

function decodeReasoning(
  thinking: JsonObject | undefined,
  outputConfig: JsonObject | undefined,
): Reasoning | undefined {
  const show =
    thinking?.display === 'omitted'
      ? ('none' as const)
      : thinking?.display === 'summarized'
        ? ('auto' as const)
        : undefined;
  const effort = efforts.has(outputConfig?.effort)
    ? (outputConfig!.effort as NonNullable<Reasoning['effort']>)
    : undefined;
  const budget =
    thinking?.type === 'disabled'
      ? 0
      : thinking?.type === 'enabled'
        ? readNumber(thinking, 'budget_tokens', 'thinking.')
        : undefined;
  const reasoning: Reasoning = present({
    effort,
    budgetTokens: budget,
    adaptive: thinking?.type === 'adaptive' ? true : undefined,
    show,
  });
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

/** Whether the model has words for all of a `thinking` object; `between_tools` and new fields are carried whole. */
function isPlainThinking({ type, budget_tokens, display, ...rest }: JsonObject): boolean {
  const shown = display === undefined || display === 'omitted' || display === 'summarized';
  if (Object.keys(rest).length > 0 || !shown) return false;
  if (type === 'enabled') return typeof budget_tokens === 'number';
  return (type === 'adaptive' || type === 'disabled') && budget_tokens === undefined;
}

function decodeOutput(outputConfig: JsonObject | undefined): OutputFormat | undefined {
  const format = outputConfig?.format;
  if (!isObject(format) || format.type !== 'json_schema' || !isObject(format.schema) || Object.keys(format).length > 2)
    return undefined;
  return { type: 'schema', schema: format.schema };
}

function restOfOutputConfig(outputConfig: JsonObject, formatIsRead: boolean): JsonObject | undefined {
  const rest = unknownFields(outputConfig, known.outputConfig);
  const effort = efforts.has(outputConfig.effort) ? undefined : outputConfig.effort;
  const format = formatIsRead ? undefined : outputConfig.format;
  const left = present({ ...rest, effort, format });
  return Object.keys(left).length === 0 ? emptyOf(outputConfig) : left;
}

/** An empty object, which says nothing but was there. */
function emptyOf(object: JsonObject): JsonObject | undefined {
  return Object.keys(object).length === 0 ? {} : undefined;
}

function negated(value: boolean | undefined): boolean | undefined {
  return value === undefined ? undefined : !value;
}

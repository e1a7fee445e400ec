import type {
  Conversation,
  FunctionTool,
  Message,
  OutputFormat,
  Reasoning,
  Sampling,
  Tool,
  ToolChoice,
} from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
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
} from '../anthropic-messages/fields.ts';
import { present } from '../present.ts';
import { cacheOf, decodeContent, dialectId } from './decode-block.ts';

const known = {
  body: new Set([
    ...[
      'messages',
      'system',
      'inferenceConfig',
      'toolConfig',
      'outputConfig',
      'additionalModelRequestFields',
      'serviceTier',
    ],
    'requestMetadata',
  ]),
  message: new Set(['role', 'content']),
  inference: new Set(['maxTokens', 'temperature', 'topP', 'stopSequences']),
  tools: new Set(['tools', 'toolChoice']),
  toolSpec: new Set(['name', 'description', 'inputSchema', 'strict']),
  output: new Set(['textFormat', 'effort']),
  additional: new Set(['thinking', 'top_k']),
};
const tiers: ReadonlySet<unknown> = new Set(['priority', 'default', 'flex']);
const efforts: ReadonlySet<unknown> = new Set(['low', 'medium', 'high', 'xhigh', 'max']);

/** Reads a Converse body. The model stands in the URL, so the caller sets it. */
export function decodeRequest(body: JsonObject): Conversation {
  const messages = required(readArray(body, 'messages', ''), 'messages', 'an array');
  const system = readArray(body, 'system', '');
  const inference = readObject(body, 'inferenceConfig', '');
  const toolConfig = readObject(body, 'toolConfig', '');
  const outputConfig = readObject(body, 'outputConfig', '');
  const additional = readObject(body, 'additionalModelRequestFields', '');
  const tier = isObject(body.serviceTier) && tiers.has(body.serviceTier.type) ? body.serviceTier.type : undefined;
  const metadata = decodeMetadata(body.requestMetadata);
  const output = outputConfig && decodeOutput(outputConfig);
  const fields: JsonObject = {
    ...unknownFields(body, known.body),
    ...present({
      inferenceConfig: rest(inference, known.inference),
      toolConfig: rest(toolConfig, known.tools),
      outputConfig: outputConfig && restOfOutput(outputConfig, output !== undefined),
      additionalModelRequestFields: additional && restOfAdditional(additional),
      serviceTier: tier === undefined ? body.serviceTier : undefined,
      requestMetadata: metadata === undefined ? body.requestMetadata : undefined,
    }),
  };
  const spellings = present({
    // Empty objects are common here and have no other trace.
    $empty: emptyOnes({
      system,
      inferenceConfig: inference,
      toolConfig,
      outputConfig,
      additionalModelRequestFields: additional,
    }),
    $schema: output?.text,
  });
  return {
    model: '',
    messages: [
      ...decodeSystem(system),
      ...messages.map((message, index) => decodeMessage(message, `messages[${index}]`)),
    ],
    ...present({
      tools:
        toolConfig && readArray(toolConfig, 'tools', 'toolConfig.') && decodeTools(toolConfig.tools as JsonValue[]),
      toolChoice: toolConfig && decodeToolChoice(readObject(toolConfig, 'toolChoice', 'toolConfig.')),
      output: output?.format,
      sampling: decodeSampling(inference ?? {}, additional ?? {}),
      maxOutputTokens: inference && readNumber(inference, 'maxTokens', 'inferenceConfig.'),
      stop: inference && readStrings(inference, 'stopSequences', 'inferenceConfig.'),
      reasoning: decodeReasoning(additional ?? {}, outputConfig ?? {}),
      metadata,
      serviceTier: tier as Conversation['serviceTier'],
    }),
    carry: { [dialectId]: { ...fields, ...spellings } },
  };
}

function decodeSystem(system: JsonValue[] | undefined): Message[] {
  if (system === undefined || system.length === 0) return [];
  return [
    { role: 'system', blocks: decodeContent(system, 'system'), ...carrying(dialectId, undefined, { $system: true }) },
  ];
}

function decodeMessage(value: JsonValue, path: string): Message {
  const object = asObject(value, path);
  const role = readString(object, 'role', `${path}.`);
  if (role !== 'user' && role !== 'assistant' && role !== 'system')
    throw invalidField(`${path}.role`, '"user" or "assistant"');
  const content = required(readArray(object, 'content', `${path}.`), `${path}.content`, 'an array');
  return {
    role,
    blocks: decodeContent(content, `${path}.content`),
    ...carrying(dialectId, unknownFields(object, known.message)),
  };
}

function decodeTools(list: readonly JsonValue[]): Tool[] {
  const tools: Tool[] = [];
  list.forEach((value, index) => {
    const path = `toolConfig.tools[${index}]`;
    const object = asObject(value, path);
    const cache = cacheOf(object);
    const last = tools.at(-1);
    if (cache !== undefined && last?.type === 'function' && last.cache === undefined)
      tools[tools.length - 1] = { ...last, cache };
    else tools.push(decodeToolSpec(object, path) ?? { type: 'provider', dialect: dialectId, value: object });
  });
  return tools;
}

function decodeToolSpec(object: JsonObject, path: string): FunctionTool | undefined {
  const spec = object.toolSpec;
  if (!isObject(spec) || !isObject(spec.inputSchema) || !isObject(spec.inputSchema.json)) return undefined;
  return {
    type: 'function',
    name: required(readString(spec, 'name', `${path}.toolSpec.`), `${path}.toolSpec.name`, 'a string'),
    parameters: spec.inputSchema.json,
    ...present({
      description: readString(spec, 'description', `${path}.toolSpec.`),
      strict: readBoolean(spec, 'strict', `${path}.toolSpec.`),
    }),
    ...carrying(dialectId, unknownFields(spec, known.toolSpec)),
  };
}

function decodeToolChoice(choice: JsonObject | undefined): ToolChoice | undefined {
  if (choice === undefined) return undefined;
  if (isObject(choice.auto)) return { type: 'auto' };
  if (isObject(choice.any)) return { type: 'required' };
  if (isObject(choice.tool) && typeof choice.tool.name === 'string') return { type: 'tool', name: choice.tool.name };
  return { type: 'provider', dialect: dialectId, value: choice };
}

/** `text` is the schema as it was written, where that differs from the gateway's spelling. */
function decodeOutput(outputConfig: JsonObject): { format: OutputFormat; text?: string } | undefined {
  const format = isObject(outputConfig.textFormat) ? outputConfig.textFormat : {};
  const structure = isObject(format.structure) ? format.structure : {};
  const definition = isObject(structure.jsonSchema) ? structure.jsonSchema : {};
  if (format.type !== 'json_schema' || typeof definition.schema !== 'string') return undefined;
  const schema = parseSchema(definition.schema);
  const text = (key: string): string | undefined => (typeof definition[key] === 'string' ? definition[key] : undefined);
  const compact = JSON.stringify(schema);
  return {
    format: { type: 'schema', schema, ...present({ name: text('name'), description: text('description') }) },
    ...(compact === definition.schema ? {} : { text: definition.schema }),
  };
}

function parseSchema(text: string): JsonObject {
  try {
    return asObject(JSON.parse(text) as JsonValue, 'schema');
  } catch {
    throw invalidField('outputConfig.textFormat.structure.jsonSchema.schema', 'a JSON object as text');
  }
}

function decodeSampling(inference: JsonObject, additional: JsonObject): Sampling | undefined {
  const sampling = present({
    temperature: readNumber(inference, 'temperature', 'inferenceConfig.'),
    topP: readNumber(inference, 'topP', 'inferenceConfig.'),
    topK: typeof additional.top_k === 'number' ? additional.top_k : undefined,
  });
  return Object.keys(sampling).length === 0 ? undefined : sampling;
}

function decodeReasoning({ thinking }: JsonObject, { effort }: JsonObject): Reasoning | undefined {
  const plain = isPlainThinking(thinking) ? thinking : {};
  const reasoning: Reasoning = present({
    effort: efforts.has(effort) ? (effort as NonNullable<Reasoning['effort']>) : undefined,
    adaptive: plain.type === 'adaptive' ? true : undefined,
    budgetTokens: plain.type === 'disabled' ? 0 : (plain.budget_tokens as number | undefined),
    show: showOf(plain),
  });
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

function showOf({ display }: JsonObject): Reasoning['show'] {
  if (display === 'omitted') return 'none';
  return display === 'summarized' ? 'auto' : undefined;
}

function isPlainThinking(thinking: JsonValue | undefined): thinking is JsonObject {
  if (!isObject(thinking)) return false;
  const { type, budget_tokens: budget, display, ...others } = thinking;
  if (Object.keys(others).length > 0) return false;
  if (display !== undefined && display !== 'omitted' && display !== 'summarized') return false;
  return type === 'enabled'
    ? typeof budget === 'number'
    : (type === 'adaptive' || type === 'disabled') && budget === undefined;
}

function restOfAdditional(additional: JsonObject): JsonObject | undefined {
  const { thinking, top_k: topK } = additional;
  const odd = present({
    ...unknownFields(additional, known.additional),
    thinking: isPlainThinking(thinking) ? undefined : thinking,
    top_k: typeof topK === 'number' ? undefined : topK,
  });
  return Object.keys(odd).length === 0 ? undefined : odd;
}

function restOfOutput(outputConfig: JsonObject, formatIsRead: boolean): JsonObject | undefined {
  const { textFormat, effort } = outputConfig;
  const odd = present({
    ...unknownFields(outputConfig, known.output),
    textFormat: formatIsRead ? undefined : textFormat,
    effort: efforts.has(effort) ? undefined : effort,
  });
  return Object.keys(odd).length === 0 ? undefined : odd;
}

function decodeMetadata(value: JsonValue | undefined): Record<string, string> | undefined {
  if (!isObject(value) || Object.values(value).some((entry) => typeof entry !== 'string')) return undefined;
  return value as Record<string, string>;
}

function rest(object: JsonObject | undefined, fields: ReadonlySet<string>): JsonObject | undefined {
  return object && unknownFields(object, fields);
}

function emptyOnes(candidates: Record<string, JsonValue | undefined>): string[] | undefined {
  const empty = Object.keys(candidates).filter(
    (key) => candidates[key] !== undefined && Object.keys(candidates[key] as object).length === 0,
  );
  return empty.length === 0 ? undefined : empty;
}

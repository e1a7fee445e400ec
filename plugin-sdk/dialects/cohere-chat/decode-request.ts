import type { Conversation, OutputFormat, Reasoning, Tool, ToolChoice } from '../../conversation/index.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import { decodeMessages } from './decode-messages.ts';
import { dialectId, keep, type Notes } from './notes.ts';

/** Reads a v2 chat request. Throws REQ_INVALID naming the field. */
export function decodeRequest(body: JsonObject): Conversation {
  const { model, messages, ...rest } = body;
  if (typeof model !== 'string') throw new GatewayError('REQ_MISSING_MODEL', {}, { param: 'model' });
  if (!Array.isArray(messages)) {
    throw new GatewayError('REQ_INVALID', { reason: 'messages must be a list.' }, { param: 'messages' });
  }
  const take = <T extends JsonValue>(key: string, is: (value: JsonValue | undefined) => value is T): T | undefined => {
    const found = rest[key];
    if (!is(found)) return undefined;
    delete rest[key];
    return found;
  };
  const sampling = present({
    temperature: take('temperature', isNumber),
    topP: take('p', isNumber),
    topK: take('k', isNumber),
    frequencyPenalty: take('frequency_penalty', isNumber),
    presencePenalty: take('presence_penalty', isNumber),
    seed: take('seed', isNumber),
  });
  const output = decodeOutput(rest);
  return {
    model,
    messages: decodeMessages(messages),
    ...present({
      tools: take('tools', isList)?.map(decodeTool),
      toolChoice: decodeChoice(rest),
      sampling: Object.keys(sampling).length > 0 ? sampling : undefined,
      maxOutputTokens: take('max_tokens', isNumber),
      stop: take('stop_sequences', isStrings),
      stream: take('stream', isBoolean),
      logprobs: take('logprobs', isTrue) === undefined ? undefined : {},
      reasoning: decodeThinking(rest),
      output: output.format,
    }),
    ...keep(rest, output.notes, true),
  };
}

function decodeTool(tool: JsonValue): Tool {
  const { type, function: declared, ...rest } = isObject(tool) ? tool : {};
  if (type !== 'function' || !isObject(declared)) {
    return { type: 'provider', dialect: dialectId, value: isObject(tool) ? tool : {} };
  }
  const { name, description, parameters, ...fields } = declared;
  if (Object.keys(fields).length > 0) rest['function'] = fields;
  return {
    type: 'function',
    name: String(name ?? ''),
    ...present({
      description: typeof description === 'string' ? description : undefined,
      parameters: isObject(parameters) ? parameters : undefined,
    }),
    ...keep(rest, {}, true),
  };
}

/** There are only two words; without one the model decides. */
function decodeChoice(rest: JsonObject): ToolChoice | undefined {
  const { tool_choice: choice } = rest;
  if (choice !== 'REQUIRED' && choice !== 'NONE') return undefined;
  delete rest['tool_choice'];
  return { type: choice === 'REQUIRED' ? 'required' : 'none' };
}

function decodeThinking(rest: JsonObject): Reasoning | undefined {
  const { thinking } = rest;
  if (!isObject(thinking)) return undefined;
  const { type, token_budget: budget, ...unknown } = thinking;
  if (Object.keys(unknown).length > 0 || (type !== 'enabled' && type !== 'disabled')) return undefined;
  delete rest['thinking'];
  if (type === 'disabled') return { effort: 'none' };
  return typeof budget === 'number' ? { budgetTokens: budget } : { adaptive: true };
}

function decodeOutput(rest: JsonObject): { format?: OutputFormat; notes?: Notes } {
  const { response_format: format } = rest;
  if (!isObject(format)) return {};
  const { type, ...others } = format;
  const keys = Object.keys(others);
  if (keys.length === 0 && (type === 'text' || type === 'json_object')) {
    delete rest['response_format'];
    return { format: { type: type === 'text' ? 'text' : 'json' } };
  }
  const schemaKey = keys[0];
  const schema = schemaKey === undefined ? undefined : others[schemaKey];
  const known = schemaKey === 'json_schema' || schemaKey === 'schema';
  if (type !== 'json_object' || keys.length !== 1 || !known || !isObject(schema)) return {};
  delete rest['response_format'];
  return { format: { type: 'schema', schema }, notes: { schemaKey } };
}

const isNumber = (value: JsonValue | undefined): value is number => typeof value === 'number';
const isBoolean = (value: JsonValue | undefined): value is boolean => typeof value === 'boolean';
const isTrue = (value: JsonValue | undefined): value is true => value === true;
const isList = (value: JsonValue | undefined): value is JsonValue[] => Array.isArray(value);
const isStrings = (value: JsonValue | undefined): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

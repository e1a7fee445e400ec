import type { Conversation, OutputFormat, Reasoning } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';
import type { Notes } from './notes.ts';
import { fromOpenApiSchema } from './schema.ts';
import { camelCase } from './spelling.ts';

export interface DecodedConfig {
  readonly conversation: Partial<Omit<Conversation, 'model' | 'messages'>>;
  /** `{ generationConfig }` with what the conversation has no word for. */
  readonly fields: JsonObject;
  readonly notes: Pick<Notes, 'openApiSchema'>;
}

/** Reads `generationConfig`, leaving every value it does not understand to the carry. */
export function decodeConfig(value: JsonObject | undefined, snake: string[]): DecodedConfig {
  if (value === undefined) return { conversation: {}, fields: {}, notes: {} };
  const rest: JsonObject = { ...camelCase(value, snake) };
  const take = <T extends JsonValue>(key: string, is: (value: JsonValue | undefined) => value is T): T | undefined => {
    const found = rest[key];
    if (!is(found)) return undefined;
    delete rest[key];
    return found;
  };
  const sampling = present({
    temperature: take('temperature', isNumber),
    topP: take('topP', isNumber),
    topK: take('topK', isNumber),
    frequencyPenalty: take('frequencyPenalty', isNumber),
    presencePenalty: take('presencePenalty', isNumber),
    seed: take('seed', isNumber),
  });
  const { responseSchema } = rest;
  const output = decodeOutput(rest);
  const openApiSchema = isObject(responseSchema) && rest['responseSchema'] === undefined ? responseSchema : undefined;
  const conversation = present({
    sampling: Object.keys(sampling).length > 0 ? sampling : undefined,
    maxOutputTokens: take('maxOutputTokens', isNumber),
    stop: take('stopSequences', isStrings),
    choices: take('candidateCount', isNumber),
    modalities: decodeModalities(take('responseModalities', isModalities)),
    logprobs: decodeLogprobs(take),
    reasoning: decodeThinking(rest, snake),
    output,
  });
  const empty = Object.keys(rest).length === 0;
  const fields = empty && Object.keys(conversation).length > 0 ? {} : { generationConfig: rest };
  return { conversation, fields, notes: present({ openApiSchema }) };
}

type Take = <T extends JsonValue>(key: string, is: (value: JsonValue | undefined) => value is T) => T | undefined;

function decodeModalities(modalities: string[] | undefined): Conversation['modalities'] {
  return modalities?.map((modality) => modality.toLowerCase() as 'text');
}

function decodeLogprobs(take: Take): Conversation['logprobs'] {
  if (take('responseLogprobs', isTrue) !== true) return undefined;
  return present({ top: take('logprobs', isNumber) });
}

const levels: Readonly<Record<string, Reasoning['effort']>> = {
  MINIMAL: 'minimal',
  LOW: 'low',
  MEDIUM: 'medium',
  HIGH: 'high',
  XHIGH: 'xhigh',
};

/** A budget of −1 lets the model decide; a level is an effort. */
function decodeThinking(config: JsonObject, snake: string[]): Reasoning | undefined {
  if (!isObject(config['thinkingConfig'])) return undefined;
  const { thinkingBudget, thinkingLevel, includeThoughts, ...rest } = camelCase(config['thinkingConfig'], snake);
  const level = typeof thinkingLevel === 'string' ? levels[thinkingLevel] : undefined;
  if (level === undefined && thinkingLevel !== undefined) rest['thinkingLevel'] = thinkingLevel;
  const budget = typeof thinkingBudget === 'number' ? thinkingBudget : undefined;
  if (Object.keys(rest).length > 0) config['thinkingConfig'] = rest;
  else delete config['thinkingConfig'];
  return present({
    effort: level,
    budgetTokens: budget === -1 ? undefined : budget,
    adaptive: budget === -1 ? true : undefined,
    show: typeof includeThoughts === 'boolean' ? (includeThoughts ? ('auto' as const) : ('none' as const)) : undefined,
  });
}

function decodeOutput(config: JsonObject): OutputFormat | undefined {
  const { responseMimeType: type, responseJsonSchema, responseSchema } = config;
  if (type === 'text/plain') {
    delete config['responseMimeType'];
    return { type: 'text' };
  }
  if (type !== 'application/json') return undefined;
  delete config['responseMimeType'];
  if (isObject(responseJsonSchema)) {
    delete config['responseJsonSchema'];
    return { type: 'schema', schema: responseJsonSchema };
  }
  if (!isObject(responseSchema)) return { type: 'json' };
  delete config['responseSchema'];
  return { type: 'schema', schema: fromOpenApiSchema(responseSchema) };
}

const isNumber = (value: JsonValue | undefined): value is number => typeof value === 'number';
const isTrue = (value: JsonValue | undefined): value is true => value === true;
const isStrings = (value: JsonValue | undefined): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
const isModalities = (value: JsonValue | undefined): value is string[] =>
  isStrings(value) && value.every((item) => item === 'TEXT' || item === 'IMAGE' || item === 'AUDIO');

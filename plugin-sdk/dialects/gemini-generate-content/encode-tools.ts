import type { Conversation, FunctionTool, Tool, ToolChoice } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { answerTool, answerToolDescription } from '../answer-tool.ts';
import { loseForeignCarry } from '../carry.ts';
import type { EncodeContext } from '../dialect.ts';
import { freeTextParameters } from '../free-text.ts';
import type { ToolNames } from '../tool-names.ts';
import type { GeminiCapabilities } from './capabilities.ts';
import { dialectId, isNative, kept } from './notes.ts';
import { toGoogleSchema } from './schema.ts';
import { asWritten } from './spelling.ts';

/** The field by which chat clients of OpenAI ask for a web search. */
export const webSearch = 'web_search_options';

export interface EncodedTools {
  readonly tools: JsonObject[] | undefined;
  readonly toolConfig: JsonObject | undefined;
  /**
   * Who sees to the output format: Google, {@link answerTool}, or words of ours in the system instruction. Models before
   * Gemini 3 refuse a response type of JSON beside functions ("Function calling with a response mime type:
   * 'application/json' is unsupported"), later ones where a function must be called. Then no text comes that it is for.
   */
  readonly format: 'google' | 'tool' | 'words' | 'none';
}

/** Writes `tools` and `toolConfig`. A choice without tools is left out, since Google refuses it. */
export function encodeTools(
  conversation: Conversation,
  capabilities: GeminiCapabilities,
  names: ToolNames,
  context: EncodeContext,
): EncodedTools {
  const native = isNative(conversation);
  const { output, tools = [], toolChoice } = conversation;
  const functions = tools.filter((tool) => tool.type !== 'provider');
  const isJson = output?.type === 'schema' || output?.type === 'json';
  const clash = !native && isJson && functions.length > 0 && !capabilities.structuredOutputWithTools;
  const mayCall = toolChoice?.type !== 'none';
  const google = !native && functions.length > 0 && mustCall(toolChoice) ? 'none' : 'google';
  const format = !clash || !mayCall ? google : output.type === 'schema' ? 'tool' : 'words';
  const offered = clash && !mayCall ? tools.filter((tool) => tool.type === 'provider') : tools;

  const entries: JsonObject[] = [];
  for (const [index, tool] of offered.entries()) placeTool(tool, index, entries, names, context);
  if (format === 'tool' && output?.type === 'schema') {
    const parametersJsonSchema = toGoogleSchema(output.schema);
    declarationsOf(entries, undefined).push({
      name: answerTool,
      description: answerToolDescription,
      parametersJsonSchema,
    });
  }
  if (Object.values(conversation.carry ?? {}).some((fields) => isObject(fields?.[webSearch]))) {
    // Beside functions Google wants its own tools' calls back in later turns, which chat clients cannot give.
    if (functions.length > 0) context.lost(webSearch);
    else entries.push({ googleSearch: {} });
  }
  const written = entries.filter((entry) => entry !== undefined);
  const strict = functions.some((tool) => tool.type === 'function' && tool.strict === true);
  const calling = native || (functions.length > 0 && written.length > 0);
  const choice = format === 'tool' ? forced(toolChoice) : toolChoice;
  return {
    tools: written.length > 0 || (native && conversation.tools !== undefined) ? written : undefined,
    toolConfig: encodeConfig(conversation, calling ? choice : undefined, strict && capabilities.validatedMode, names),
    format,
  };
}

function mustCall(choice: ToolChoice | undefined): boolean {
  return (
    choice?.type === 'required' || choice?.type === 'tool' || (choice?.type === 'allowed' && choice.mode === 'required')
  );
}

/** With the answer itself a tool, the model must call one; a narrower wish of the client is kept beside it. */
function forced(choice: ToolChoice | undefined): ToolChoice {
  if (choice?.type === 'tool') return choice;
  if (choice?.type === 'allowed') return { type: 'allowed', mode: 'required', names: [...choice.names, answerTool] };
  return { type: 'required' };
}

function placeTool(tool: Tool, index: number, entries: JsonObject[], names: ToolNames, context: EncodeContext): void {
  const path = `tools[${index}]`;
  loseForeignCarry(tool, dialectId, path, context.lost);
  const { toolIndex } = kept(tool).notes;
  if (tool.type === 'provider') {
    const value = tool.dialect === dialectId ? tool.value : hostedTool(tool.value);
    if (value === undefined) context.lost(path);
    else if (toolIndex === undefined) entries.push(value);
    else entries[toolIndex] = { ...entries[toolIndex], ...value };
    return;
  }
  const declaration: JsonObject = { name: names.toWire(tool.name) };
  if (tool.description !== undefined) declaration['description'] = tool.description;
  const { fields, notes } = kept(tool);
  const snake = notes.snake ?? [];
  if (tool.type === 'custom') {
    declaration['parametersJsonSchema'] = freeTextParameters();
    if (tool.format !== undefined) context.lost(`${path}.custom.format`);
  } else if (notes.openApiSchema !== undefined) {
    declaration['parameters'] = notes.openApiSchema;
  } else if (tool.parameters !== undefined) {
    declaration['parametersJsonSchema'] = isNative(tool) ? tool.parameters : toGoogleSchema(tool.parameters);
  }
  if ((tool as FunctionTool).cache !== undefined) context.lost(`${path}.cache`);
  const key = snake.includes('functionDeclarations') ? 'function_declarations' : 'functionDeclarations';
  declarationsOf(entries, toolIndex, key).push(asWritten({ ...fields, ...declaration }, snake));
}

/** The list of declarations in the entry at `index`, or in the first entry that has one. */
function declarationsOf(entries: JsonObject[], index: number | undefined, key = 'functionDeclarations'): JsonObject[] {
  const at =
    index ??
    entries.findIndex(
      (entry) => entry !== undefined && (entry[key] !== undefined || entry['function_declarations'] !== undefined),
    );
  const entry = at >= 0 ? (entries[at] ??= {}) : entries[entries.push({}) - 1]!;
  const found = entry[key] ?? entry['function_declarations'];
  if (Array.isArray(found)) return found as JsonObject[];
  const list: JsonObject[] = [];
  entry[key] = list;
  return list;
}

/** Tools that other providers host and Google hosts as well, by the beginning of their type. */
const hosted: readonly (readonly [type: string, google: string])[] = [
  ['web_search', 'googleSearch'],
  ['code_interpreter', 'codeExecution'],
  ['code_execution', 'codeExecution'],
  ['web_fetch', 'urlContext'],
];

function hostedTool(value: JsonObject): JsonObject | undefined {
  const type = String(value['type'] ?? '');
  const found = hosted.find(([start]) => type.startsWith(start));
  return found === undefined ? undefined : { [found[1]]: {} };
}

function encodeConfig(
  conversation: Conversation,
  choice: ToolChoice | undefined,
  validated: boolean,
  names: ToolNames,
): JsonObject | undefined {
  const { fields, notes } = kept(conversation);
  const snake = notes.snake ?? [];
  const rest = isObject(fields['toolConfig']) ? fields['toolConfig'] : undefined;
  const calling =
    choice === undefined
      ? validated
        ? { mode: 'VALIDATED' }
        : undefined
      : encodeChoice(choice, validated || notes.mode === 'VALIDATED', names);
  if (calling === undefined) return rest === undefined ? undefined : asWritten(rest, snake);
  const callingRest = rest?.['functionCallingConfig'];
  const written = asWritten({ ...(isObject(callingRest) ? callingRest : {}), ...calling }, snake);
  return asWritten({ ...rest, functionCallingConfig: written }, snake);
}

function encodeChoice(choice: ToolChoice, validated: boolean, names: ToolNames): JsonObject | undefined {
  switch (choice.type) {
    case 'auto':
      return { mode: validated ? 'VALIDATED' : 'AUTO' };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [names.toWire(choice.name)] };
    case 'allowed':
      return {
        mode: choice.mode === 'required' ? 'ANY' : 'VALIDATED',
        allowedFunctionNames: choice.names.map(names.toWire),
      };
    case 'provider':
      return undefined;
  }
}

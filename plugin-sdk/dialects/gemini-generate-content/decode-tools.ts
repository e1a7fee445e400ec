import type { Tool, ToolChoice } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import { present } from '../present.ts';
import { dialectId, keep, type Notes } from './notes.ts';
import { fromOpenApiSchema } from './schema.ts';
import { camelCase } from './spelling.ts';

export interface DecodedTools {
  readonly tools: Tool[] | undefined;
  readonly toolChoice: ToolChoice | undefined;
  /** `{ toolConfig }` with what the conversation has no word for. */
  readonly fields: JsonObject;
  readonly notes: Pick<Notes, 'mode'>;
}

/** Reads `tools` and `toolConfig`. Every tool remembers which object of the list it came from. */
export function decodeTools(
  tools: JsonObject[] | undefined,
  toolConfig: JsonObject | undefined,
  snake: string[],
): DecodedTools {
  const choice = decodeChoice(toolConfig, snake);
  return { tools: tools?.flatMap(decodeTool), ...choice };
}

function decodeTool(tool: JsonObject, toolIndex: number): Tool[] {
  const outer: string[] = [];
  const { functionDeclarations, ...rest } = camelCase(tool, outer);
  const functions = Array.isArray(functionDeclarations) ? functionDeclarations.filter(isObject) : [];
  if (functions.length === 0)
    return [{ type: 'provider', dialect: dialectId, value: tool, ...keep({}, { toolIndex }) }];
  const result = functions.map((declaration): Tool => {
    const snake = outer.filter((key) => key === 'functionDeclarations');
    const { name, description, parametersJsonSchema, parameters, ...fields } = camelCase(declaration, snake);
    const schema = isObject(parametersJsonSchema) ? parametersJsonSchema : undefined;
    const openApiSchema = schema === undefined && isObject(parameters) ? parameters : undefined;
    if (openApiSchema === undefined && parameters !== undefined) fields['parameters'] = parameters;
    if (schema === undefined && parametersJsonSchema !== undefined)
      fields['parametersJsonSchema'] = parametersJsonSchema;
    return {
      type: 'function',
      name: String(name ?? ''),
      ...present({
        description: typeof description === 'string' ? description : undefined,
        parameters: schema ?? (openApiSchema && fromOpenApiSchema(openApiSchema)),
      }),
      ...keep(fields, { snake, toolIndex, ...present({ openApiSchema }) }),
    };
  });
  const others = Object.keys(rest);
  if (others.length === 0) return result;
  const value: JsonObject = {};
  for (const key of Object.keys(tool))
    if (key !== 'functionDeclarations' && key !== 'function_declarations') value[key] = tool[key];
  return [...result, { type: 'provider', dialect: dialectId, value, ...keep({}, { toolIndex }) }];
}

function decodeChoice(toolConfig: JsonObject | undefined, snake: string[]): Omit<DecodedTools, 'tools'> {
  const unread = { toolChoice: undefined, fields: toolConfig === undefined ? {} : { toolConfig }, notes: {} };
  if (toolConfig === undefined) return unread;
  const { functionCallingConfig, ...rest } = camelCase(toolConfig, snake);
  if (!isObject(functionCallingConfig)) return unread;
  const { mode, allowedFunctionNames, ...callingRest } = camelCase(functionCallingConfig, snake);
  const names = Array.isArray(allowedFunctionNames)
    ? allowedFunctionNames.filter((name) => typeof name === 'string')
    : [];
  const toolChoice = typeof mode === 'string' ? choiceOf(mode, names) : undefined;
  if (toolChoice === undefined) return unread;
  if (names.length === 0 && allowedFunctionNames !== undefined)
    callingRest['allowedFunctionNames'] = allowedFunctionNames;
  if (Object.keys(callingRest).length > 0) rest['functionCallingConfig'] = callingRest;
  return {
    toolChoice,
    fields: Object.keys(rest).length > 0 ? { toolConfig: rest } : {},
    notes: mode === 'VALIDATED' ? { mode } : {},
  };
}

/** `VALIDATED` is `AUTO` with calls held to their schema; only it and `ANY` take names. */
function choiceOf(mode: string, names: readonly string[]): ToolChoice | undefined {
  if (mode === 'NONE' && names.length === 0) return { type: 'none' };
  if (mode === 'AUTO' && names.length === 0) return { type: 'auto' };
  if (mode === 'VALIDATED') return names.length === 0 ? { type: 'auto' } : { type: 'allowed', mode: 'auto', names };
  if (mode !== 'ANY') return undefined;
  if (names.length === 0) return { type: 'required' };
  return names.length === 1 ? { type: 'tool', name: names[0]! } : { type: 'allowed', mode: 'required', names };
}

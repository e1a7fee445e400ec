import type { FunctionTool, Tool, ToolChoice } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carried, carrying, reportForeign, wireFields } from '../openai/carry.ts';
import { FieldReader, invalid } from '../openai/field-reader.ts';
import { present } from '../present.ts';
import { decodeCacheControl } from './content-parts.ts';

const dialect = 'openai.chat';

export function decodeTools(tools: readonly JsonValue[]): Tool[] {
  return tools.map((tool, i) => {
    if (!isObject(tool)) throw invalid(`tools[${i}]`, 'must be an object');
    return decodeTool(tool, `tools[${i}]`);
  });
}

function decodeTool(tool: JsonObject, path: string): Tool {
  const type = tool['type'];
  if (type === 'custom' && isObject(tool['custom'])) return decodeCustomTool(tool, tool['custom'], path);
  // Mistral's own clients leave the type out.
  if ((type !== 'function' && type !== undefined) || !isObject(tool['function']))
    return { type: 'provider', dialect, value: tool };
  const outer = new FieldReader(tool, path);
  outer.understood('type');
  outer.understood('function');
  const { cache } = decodeCacheControl(outer);
  return decodeFunction(
    tool['function'],
    `${path}.function`,
    outer.rest(),
    cache,
    type === undefined ? { $type: 'absent' } : {},
  );
}

function decodeFunction(
  value: JsonObject,
  path: string,
  rest: JsonObject | undefined,
  cache: FunctionTool['cache'],
  spellings: JsonObject,
): FunctionTool {
  const reader = new FieldReader(value, path);
  const name = reader.string('name');
  if (name === undefined) throw invalid(`${path}.name`, 'is missing');
  return present({
    type: 'function' as const,
    name,
    description: reader.string('description'),
    parameters: reader.object('parameters'),
    strict: reader.boolean('strict'),
    cache,
    ...carrying(dialect, rest, { ...spellings, $inner: reader.rest() }),
  });
}

function decodeCustomTool(tool: JsonObject, value: JsonObject, path: string): Tool {
  const reader = new FieldReader(value, `${path}.custom`);
  const name = reader.string('name');
  if (name === undefined) throw invalid(`${path}.custom.name`, 'is missing');
  const { type: _, custom: __, ...rest } = tool;
  const format = reader.object('format');
  return present({
    type: 'custom' as const,
    name,
    description: reader.string('description'),
    format: format === undefined ? undefined : flatFormat(format),
    ...carrying(dialect, rest, { $inner: reader.rest() }),
  });
}

/** The deprecated `functions` list. */
export function decodeFunctions(functions: readonly JsonValue[]): FunctionTool[] {
  return functions.map((value, i) => {
    if (!isObject(value)) throw invalid(`functions[${i}]`, 'must be an object');
    return decodeFunction(value, `functions[${i}]`, undefined, undefined, { $in: 'functions' });
  });
}

/** @param mayCache The target takes `cache_control` on a tool, or the client itself wrote it there. */
export function encodeTool(
  tool: Tool,
  path: string,
  mayCache: boolean,
  lost: (path: string) => void,
): JsonObject | undefined {
  reportForeign(tool, dialect, path, lost);
  const own = carried(tool, dialect);
  const inner = isObject(own?.['$inner']) ? own['$inner'] : {};
  if (tool.type === 'provider') {
    if (tool.dialect === dialect) return tool.value;
    lost(path);
    return undefined;
  }
  if (tool.type === 'custom') {
    const format = tool.format === undefined ? undefined : nestedFormat(tool.format);
    const custom = present({ name: tool.name, description: tool.description, format });
    return { type: 'custom', custom: { ...inner, ...custom }, ...wireFields(own) };
  }
  const { name, description, parameters, strict } = tool;
  const value = { ...inner, ...present({ name, description, parameters, strict }) };
  if (own?.['$in'] === 'functions') return value;
  if (tool.cache !== undefined && !mayCache) lost(`${path}.cache_control`);
  return {
    ...(own?.['$type'] === 'absent' ? {} : { type: 'function' }),
    function: value,
    ...(tool.cache === undefined || !mayCache ? {} : { cache_control: { type: 'ephemeral', ...tool.cache } }),
    ...wireFields(own),
  };
}

/** Chat nests a grammar one level deeper than responses, whose flat form the conversation has. */
function flatFormat(format: JsonObject): JsonObject {
  const { grammar, ...rest } = format;
  return isObject(grammar) ? { ...rest, ...grammar } : format;
}

function nestedFormat(format: JsonObject): JsonObject {
  if (format['type'] !== 'grammar' || isObject(format['grammar'])) return format;
  const { type, ...grammar } = format;
  return { type, grammar };
}

/** `undefined` for a choice that no dialect but this knows; the caller then leaves it in the carry. */
export function decodeToolChoice(choice: JsonValue | undefined): ToolChoice | undefined {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  // Mistral's word for required.
  if (choice === 'any') return { type: 'required' };
  if (!isObject(choice)) return undefined;
  for (const kind of ['function', 'custom'] as const) {
    const named = choice[kind];
    if (choice['type'] !== kind || !isObject(named) || typeof named['name'] !== 'string') continue;
    const { name } = named;
    return kind === 'custom' ? { type: 'tool', name: name as string, kind } : { type: 'tool', name: name as string };
  }
  return decodeAllowed(choice);
}

function decodeAllowed(choice: JsonObject): ToolChoice | undefined {
  const allowed = choice['allowed_tools'];
  if (choice['type'] !== 'allowed_tools' || !isObject(allowed) || !Array.isArray(allowed['tools'])) return undefined;
  const names = allowed['tools'].map((tool) => {
    const named = isObject(tool) && tool['type'] === 'function' ? tool['function'] : undefined;
    return isObject(named) && Object.keys(named).length === 1 ? named['name'] : undefined;
  });
  if (!names.every((name) => typeof name === 'string')) return undefined;
  return { type: 'allowed', mode: allowed['mode'] === 'required' ? 'required' : 'auto', names };
}

export function encodeToolChoice(choice: ToolChoice): JsonValue | undefined {
  switch (choice.type) {
    case 'tool': {
      const kind = choice.kind ?? 'function';
      return { type: kind, [kind]: { name: choice.name } };
    }
    case 'allowed': {
      const tools = choice.names.map((name) => ({ type: 'function', function: { name } }));
      return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools } };
    }
    case 'provider':
      return choice.dialect === dialect ? choice.value : undefined;
    default:
      return choice.type;
  }
}

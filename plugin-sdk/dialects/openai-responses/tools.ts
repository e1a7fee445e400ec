import type { Tool, ToolChoice } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { carried, carrying, reportForeign, wireFields } from '../openai/carry.ts';
import { FieldReader, invalid } from '../openai/field-reader.ts';
import { present } from '../present.ts';

const dialect = 'openai.responses';

/** Tools are flat here: `{type: "function", name, parameters, …}`. */
export function decodeTools(tools: readonly JsonValue[]): Tool[] {
  return tools.map((tool, i): Tool => {
    const path = `tools[${i}]`;
    if (!isObject(tool)) throw invalid(path, 'must be an object');
    const type = tool['type'];
    if (type !== 'function' && type !== 'custom') return { type: 'provider', dialect, value: tool };
    const reader = new FieldReader(tool, path);
    reader.understood('type');
    const name = reader.string('name');
    if (name === undefined) throw invalid(`${path}.name`, 'is missing');
    const description = reader.string('description');
    if (type === 'custom') {
      return present({
        type: 'custom' as const,
        name,
        description,
        format: reader.object('format'),
        ...carrying(dialect, reader.rest()),
      });
    }
    const parameters = reader.object('parameters');
    const strict = reader.boolean('strict');
    return present({
      type: 'function' as const,
      name,
      description,
      parameters,
      strict,
      ...carrying(dialect, reader.rest()),
    });
  });
}

export function encodeTool(
  tool: Tool,
  path: string,
  own: boolean,
  lost: (path: string) => void,
): JsonObject | undefined {
  reportForeign(tool, dialect, path, lost);
  if (tool.type === 'provider') {
    if (tool.dialect === dialect) return tool.value;
    lost(path);
    return undefined;
  }
  const { type, name, description } = tool;
  const rest = wireFields(carried(tool, dialect));
  if (type === 'custom') return { ...present({ type, name, description, format: tool.format }), ...rest };
  if (tool.cache !== undefined) lost(`${path}.cache_control`);
  // Left out, it would mean true here, where in other formats it means false.
  const strict = tool.strict ?? (own ? undefined : false);
  const parameters = tool.parameters ?? (own ? undefined : { type: 'object', properties: {} });
  return { ...present({ type, name, description, parameters, strict }), ...rest };
}

/** `undefined` for a value that is no choice at all. */
export function decodeToolChoice(choice: JsonValue | undefined): ToolChoice | undefined {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  if (!isObject(choice)) return undefined;
  const { type, name, mode, tools } = choice;
  if (type === 'function' && typeof name === 'string') return { type: 'tool', name };
  if (type === 'custom' && typeof name === 'string') return { type: 'tool', name, kind: 'custom' };
  const names = type === 'allowed_tools' && Array.isArray(tools) ? tools.map(functionName) : [undefined];
  if (names.every((one) => one !== undefined))
    return { type: 'allowed', mode: mode === 'required' ? 'required' : 'auto', names };
  return { type: 'provider', dialect, value: choice };
}

function functionName(tool: JsonValue): string | undefined {
  if (!isObject(tool) || tool['type'] !== 'function' || Object.keys(tool).length !== 2) return undefined;
  return typeof tool['name'] === 'string' ? tool['name'] : undefined;
}

export function encodeToolChoice(choice: ToolChoice): JsonValue | undefined {
  switch (choice.type) {
    case 'tool':
      return { type: choice.kind ?? 'function', name: choice.name };
    case 'allowed':
      return {
        type: 'allowed_tools',
        mode: choice.mode,
        tools: choice.names.map((name) => ({ type: 'function', name })),
      };
    case 'provider':
      return choice.dialect === dialect ? choice.value : undefined;
    default:
      return choice.type;
  }
}

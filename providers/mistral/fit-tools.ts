import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/index.ts';
import { functionFields, toolChoices, toolFields } from './allowed-fields.ts';
import { fitEach, keepAllowed } from './keep-allowed.ts';

/** Only functions, each with parameters; undefined when there is none, since it refuses an empty list. */
export function fitTools(tools: JsonValue, lost: (path: string) => void): JsonValue | undefined {
  if (!Array.isArray(tools)) return tools;
  const fitted = fitEach(tools, (tool, i) => fitTool(tool, `tools[${i}]`, lost));
  return fitted.length === 0 ? undefined : (fitted as JsonValue[]);
}

function fitTool(tool: JsonValue, path: string, lost: (path: string) => void): JsonValue | undefined {
  if (!isObject(tool)) return tool;
  const { type, function: made } = tool;
  if ((type !== undefined && type !== null && type !== 'function') || !isObject(made)) {
    lost(path);
    return undefined;
  }
  const kept = keepAllowed(tool, toolFields, (field) => lost(`${path}.${field}`));
  const fitted = fitFunction(made, (field) => lost(`${path}.function.${field}`));
  return fitted === made ? kept : { ...kept, function: fitted };
}

/** OpenAI's functions without parameters take none; Mistral wants that said. */
function fitFunction(made: JsonObject, lost: (field: string) => void): JsonObject {
  const kept = keepAllowed(made, functionFields, lost);
  return kept['parameters'] === undefined ? { ...kept, parameters: { type: 'object', properties: {} } } : kept;
}

/** One of its words, or a function by name. */
export function fitToolChoice(choice: JsonValue, lost: (path: string) => void): JsonValue | undefined {
  if (toolChoices.includes(choice)) return choice;
  const named = isObject(choice) ? choice['function'] : undefined;
  if (isObject(choice) && isObject(named) && typeof named['name'] === 'string') {
    const kept = keepAllowed(choice, toolFields, (field) => lost(`tool_choice.${field}`));
    const fitted = keepAllowed(named, ['name'], (field) => lost(`tool_choice.function.${field}`));
    return fitted === named ? kept : { ...kept, function: fitted };
  }
  lost('tool_choice');
  return undefined;
}

import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { decodeToolChoice } from './tools.ts';

/**
 * A tool choice `allowed_tools` for targets that do not know it: only the allowed tools are offered, and the choice is its
 * mode. Undefined for any other choice.
 */
export function offerOnlyAllowed(
  tools: JsonValue | undefined,
  toolChoice: JsonValue | undefined,
): { readonly tools: JsonObject[]; readonly tool_choice: string } | undefined {
  if (!isObject(toolChoice) || !Array.isArray(tools)) return undefined;
  const choice = decodeToolChoice(toolChoice);
  if (choice?.type !== 'allowed') return undefined;
  const offered = tools.filter(isObject).filter((tool) => choice.names.includes(nameOf(tool)));
  return { tools: offered, tool_choice: choice.mode };
}

function nameOf(tool: JsonObject): string {
  const inner = isObject(tool['custom']) ? tool['custom'] : tool['function'];
  return isObject(inner) ? String(inner['name']) : '';
}

import type { Conversation, CustomTool, Tool } from '../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../json.ts';

/** JSON Schema of what a custom tool takes where there are only functions: one string, `input`. */
export function freeTextParameters(): JsonObject {
  return { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] };
}

/** What such a function was called with, as JSON. */
export function freeTextArguments(text: string): string {
  return JSON.stringify({ input: text });
}

export function isCustom(tool: Tool): tool is CustomTool {
  return tool.type === 'custom';
}

/** Names of the custom tools that the client declared. */
export function customToolNames(request: Conversation | undefined): ReadonlySet<string> {
  return new Set(request?.tools?.filter(isCustom).map(({ name }) => name));
}

/** The text for a custom tool, which was sent as a function with {@link freeTextParameters}. */
export function freeText(text: string): string {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) && typeof value['input'] === 'string' ? value['input'] : text;
  } catch {
    return text;
  }
}

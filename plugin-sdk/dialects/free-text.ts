import { isObject, type JsonValue } from '../json.ts';

/** The text for a custom tool, which was sent as a function with one argument, `input`. */
export function freeText(text: string): string {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) && typeof value['input'] === 'string' ? value['input'] : text;
  } catch {
    return text;
  }
}

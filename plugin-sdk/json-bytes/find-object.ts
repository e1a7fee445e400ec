import { isObject, type JsonObject } from '../json.ts';
import { backslash, colon, JsonCursor, openBrace, skipWhitespace } from './json-cursor.ts';
import { readValue } from './read-value.ts';

/**
 * The object behind the last `"name":` that has one, at any depth, such as the usage of a reply or of the events in a
 * chunk. Other values of that name (`null`) are passed over. Undefined if there is none or it is broken.
 *
 * Never taken from inside a string: there a quote has a backslash before it, and an unescaped quote directly before a
 * word opens a string. For this the name must be a plain word, and the bytes must not start inside a string.
 * It may be a member of anything, a tool's arguments too: where the depth is known, use scanTopLevel or findPath.
 */
export function lastObjectNamed(bytes: Buffer, name: string): JsonObject | undefined {
  const quoted = `"${name}"`;
  let at = bytes.lastIndexOf(quoted);
  while (at !== -1) {
    const separator = skipWhitespace(bytes, at + quoted.length);
    if (bytes[separator] === colon && !isEscaped(bytes, at)) {
      const start = skipWhitespace(bytes, separator + 1);
      if (bytes[start] === openBrace) return objectAt(bytes, start);
    }
    at = at === 0 ? -1 : bytes.lastIndexOf(quoted, at - 1);
  }
  return undefined;
}

function objectAt(bytes: Buffer, start: number): JsonObject | undefined {
  const cursor = new JsonCursor(bytes);
  cursor.at = start;
  if (!cursor.skipValue()) return undefined;
  const value = readValue(bytes, { start, end: cursor.at });
  return isObject(value) ? value : undefined;
}

function isEscaped(bytes: Buffer, at: number): boolean {
  let first = at;
  while (first > 0 && bytes[first - 1] === backslash) first--;
  return (at - first) % 2 === 1;
}

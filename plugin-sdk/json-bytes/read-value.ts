import type { JsonValue } from '../json.ts';
import { quote, type Range } from './json-cursor.ts';

/** Any value, by JSON.parse of its bytes; undefined if they do not parse. */
export function readValue(bytes: Buffer, range: Range = whole(bytes)): JsonValue | undefined {
  try {
    return JSON.parse(bytes.toString('utf8', range.start, range.end));
  } catch {
    return undefined;
  }
}

/** Undefined if the value is no string, or has an escape or control character that JSON does not allow. */
export function readString(bytes: Buffer, range: Range = whole(bytes)): string | undefined {
  if (bytes[range.start] !== quote) return undefined;
  const text = bytes.toString('utf8', range.start + 1, range.end - 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in strings
  return /[\\\u0000-\u001f]/.test(text) ? (readValue(bytes, range) as string | undefined) : text;
}

export function readBoolean(bytes: Buffer, range: Range): boolean | undefined {
  const value = range.end - range.start <= 5 ? readValue(bytes, range) : undefined;
  return typeof value === 'boolean' ? value : undefined;
}

export function readNumber(bytes: Buffer, range: Range): number | undefined {
  const value = bytes[range.start] === quote ? undefined : readValue(bytes, range);
  return typeof value === 'number' ? value : undefined;
}

function whole(bytes: Buffer): Range {
  return { start: 0, end: bytes.length };
}

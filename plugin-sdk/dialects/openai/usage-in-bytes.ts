import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { readUsage } from './usage.ts';

const usageKey = Buffer.from('"usage"');
const openBrace = 0x7b;
const closeBrace = 0x7d;
const quote = 0x22;
const backslash = 0x5c;

/**
 * The usage of a JSON body without parsing the body: the last `"usage"` with an object behind it is cut out and parsed
 * alone. The word may also stand inside text; such a place does not parse, or holds no counts, and the one before it is
 * tried. Falls back to a full parse when nothing was found although the word is there.
 */
export function usageInBytes(bytes: Buffer): Usage | undefined {
  let at = bytes.lastIndexOf(usageKey);
  if (at < 0) return undefined;
  for (let tries = 0; at >= 0 && tries < 4; tries++) {
    // A quote inside a JSON string is escaped; such a place is text that speaks about usage.
    const isKey = at === 0 || bytes[at - 1] !== backslash;
    const found = isKey ? readUsage(objectAt(bytes, at + usageKey.length)) : undefined;
    if (found !== undefined) return found;
    at = at === 0 ? -1 : bytes.lastIndexOf(usageKey, at - 1);
  }
  const whole = parse(bytes.toString());
  return isObject(whole) ? readUsage(whole['usage']) : undefined;
}

/** The object after `: `, or nothing when something else follows. */
function objectAt(bytes: Buffer, from: number): JsonObject | undefined {
  let start = from;
  while (start < bytes.length && isSpaceOrColon(bytes[start]!)) start++;
  if (bytes[start] !== openBrace) return undefined;
  let depth = 0;
  let inString = false;
  for (let i = start; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === openBrace) depth++;
    else if (byte === closeBrace && --depth === 0) {
      const value = parse(bytes.toString('utf8', start, i + 1));
      return isObject(value) ? value : undefined;
    }
  }
  return undefined;
}

function isSpaceOrColon(byte: number): boolean {
  return byte === 0x3a || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

import type { Usage } from '../../conversation/index.ts';
import { isObject, type JsonValue } from '../../json.ts';
import { readUsage } from './usage.ts';

const usageKey = Buffer.from('"usage"');
const openBrace = 0x7b;
const closeBrace = 0x7d;
const quote = 0x22;
const backslash = 0x5c;

/**
 * The usage of a JSON body without parsing the body: the last `"usage"` at the right depth is cut out and parsed alone.
 * The word may also stand inside text or deeper (Groq breaks usage down by model); such places are passed over.
 * Falls back to a full parse when nothing was found although the word is there.
 *
 * @param depth How many objects the usage lies in: 1 in an answer, 2 in the event that closes a responses stream.
 */
export function usageInBytes(bytes: Buffer, depth: 1 | 2 = 1): Usage | undefined {
  let at = bytes.lastIndexOf(usageKey);
  if (at < 0) return undefined;
  for (let tries = 0; at >= 0 && tries < mostTries; tries++) {
    // A quote inside a JSON string is escaped; such a place is text that speaks about usage.
    const isKey = at === 0 || bytes[at - 1] !== backslash;
    const found = isKey ? usageAt(bytes, at + usageKey.length, depth) : undefined;
    if (found !== undefined) return found;
    at = at === 0 ? -1 : bytes.lastIndexOf(usageKey, at - 1);
  }
  const whole = parse(bytes.toString());
  const holder = depth === 1 || !isObject(whole) ? whole : whole['response'];
  return isObject(holder) ? readUsage(holder['usage']) : undefined;
}

const mostTries = 16;

function usageAt(bytes: Buffer, from: number, depth: number): Usage | undefined {
  let start = from;
  while (start < bytes.length && isSpaceOrColon(bytes[start]!)) start++;
  if (bytes[start] !== openBrace) return undefined;
  const end = closing(bytes, start, 0);
  // What follows must close exactly the objects that the usage lies in.
  if (end < 0 || closing(bytes, end + 1, depth) !== bytes.lastIndexOf(closeBrace)) return undefined;
  const value = parse(bytes.toString('utf8', start, end + 1));
  return isObject(value) ? readUsage(value) : undefined;
}

/** Index of the brace that ends `depth` open objects, counted from `from`, which is outside of any string; −1 without one. */
function closing(bytes: Buffer, from: number, depth: number): number {
  let open = depth;
  let inString = false;
  for (let i = from; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === openBrace) open++;
    else if (byte === closeBrace && --open === 0) return i;
  }
  return -1;
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

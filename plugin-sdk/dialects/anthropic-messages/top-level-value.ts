import type { JsonValue } from '../../json.ts';

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const maxTries = 4;

/**
 * The value of a top-level key of a JSON object, cut out of its bytes and parsed alone. Meant for short keys behind (or
 * before) long content: the key is found by a native search, and the bytes after it say whether it stands at the top.
 * `undefined` when it is not found within a few tries.
 */
export function topLevelValue(bytes: Buffer, key: string): JsonValue | undefined {
  const needle = Buffer.from(`"${key}"`);
  let at = bytes.lastIndexOf(needle);
  for (let tries = 0; at >= 0 && tries < maxTries; tries++) {
    const start = valueStart(bytes, at + needle.length);
    if (start !== undefined && bytes[at - 1] !== backslash) {
      const end = valueEnd(bytes, start);
      if (closesOnce(bytes, end)) return parse(bytes.toString('utf8', start, end));
    }
    at = at === 0 ? -1 : bytes.lastIndexOf(needle, at - 1);
  }
  return undefined;
}

/** Index of the value behind a key, or nothing when no colon follows. */
function valueStart(bytes: Buffer, from: number): number | undefined {
  let at = skipSpace(bytes, from);
  if (bytes[at] !== colon) return undefined;
  at = skipSpace(bytes, at + 1);
  return at < bytes.length ? at : undefined;
}

function valueEnd(bytes: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === quote) {
      at = stringEnd(bytes, at);
      if (depth === 0) return at + 1;
    } else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && byte === 0x2c) return at;
  }
  return bytes.length;
}

/** Whether from here to the end exactly one object closes: the one that the value is a member of. */
function closesOnce(bytes: Buffer, from: number): boolean {
  let depth = 1;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === quote) at = stringEnd(bytes, at);
    else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) depth -= 1;
  }
  return depth === 0;
}

/** Index of the closing quote of the string that opens at `start`. */
function stringEnd(bytes: Buffer, start: number): number {
  let end = start;
  do {
    end = bytes.indexOf(quote, end + 1);
    if (end < 0) return bytes.length;
  } while (isEscaped(bytes, end));
  return end;
}

function isEscaped(bytes: Buffer, at: number): boolean {
  let backslashes = 0;
  while (bytes[at - 1 - backslashes] === backslash) backslashes += 1;
  return backslashes % 2 === 1;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at += 1;
  return at;
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

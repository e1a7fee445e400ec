const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * The text of the object under the last `"name"` key of a JSON document, without parsing the rest: inside a string the
 * quotes around the name would be escaped, so its bytes cannot be found there. Undefined when there is none.
 */
export function lastObject(bytes: Buffer, name: string): string | undefined {
  const needle = `"${name}"`;
  for (let at = bytes.lastIndexOf(needle); at >= 0; at = at > 0 ? bytes.lastIndexOf(needle, at - 1) : -1) {
    const start = valueStart(bytes, at + needle.length);
    if (start === undefined || bytes[start] !== openBrace) continue;
    const end = objectEnd(bytes, start);
    if (end !== undefined) return bytes.toString('utf8', start, end);
  }
  return undefined;
}

/** The string under the last `"name"` key; undefined when there is none. For words without escapes. */
export function lastString(bytes: Buffer, name: string): string | undefined {
  const needle = `"${name}"`;
  for (let at = bytes.lastIndexOf(needle); at >= 0; at = at > 0 ? bytes.lastIndexOf(needle, at - 1) : -1) {
    const start = valueStart(bytes, at + needle.length);
    if (start === undefined || bytes[start] !== quote) continue;
    const end = bytes.indexOf(quote, start + 1);
    if (end > 0) return bytes.toString('utf8', start + 1, end);
  }
  return undefined;
}

/** Every whole number under a `"name"` key, added up; undefined when there is none. */
export function sumOf(bytes: Buffer, name: string): number | undefined {
  const needle = `"${name}"`;
  let sum: number | undefined;
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + needle.length)) {
    const start = valueStart(bytes, at + needle.length);
    if (start === undefined) continue;
    const value = Number.parseInt(bytes.toString('latin1', start, start + 16), 10);
    if (!Number.isNaN(value)) sum = (sum ?? 0) + value;
  }
  return sum;
}

/** True if the document is an object (or a list of one) whose first key is `name`. */
export function beginsWithKey(bytes: Buffer, name: string): boolean {
  return new RegExp(`^\\s*\\[?\\s*\\{\\s*"${name}"`).test(bytes.toString('latin1', 0, 64));
}

function valueStart(bytes: Buffer, after: number): number | undefined {
  let at = skipSpace(bytes, after);
  if (bytes[at] !== colon) return undefined;
  at = skipSpace(bytes, at + 1);
  return at < bytes.length ? at : undefined;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at]! <= 0x20) at++;
  return at;
}

function objectEnd(bytes: Buffer, start: number): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === backslash) at++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (byte === openBrace) depth++;
    else if (byte === closeBrace && --depth === 0) return at + 1;
  }
  return undefined;
}

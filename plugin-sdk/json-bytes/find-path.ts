import { JsonCursor, openBrace, openBracket, type Range, skipWhitespace } from './json-cursor.ts';
import { keyIndex } from './scan-object.ts';

/**
 * Where the value at a path lies, such as `['messages', 0, 'content']`; of members with the same name the last counts.
 * Undefined if there is none, or a container on the way is broken or too deep. The path has at least one step.
 */
export function findPath(bytes: Buffer, path: readonly (string | number)[]): Range | undefined {
  let range: Range | undefined = { start: skipWhitespace(bytes, 0), end: bytes.length };
  for (const step of path) {
    const cursor: JsonCursor = new JsonCursor(bytes);
    cursor.at = range.start;
    range = typeof step === 'number' ? element(cursor, step) : member(cursor, step);
    if (range === undefined) return undefined;
  }
  return range;
}

/** All members are passed, since a later one of the same name would win. */
function member(cursor: JsonCursor, name: string): Range | undefined {
  const names = [name];
  let found: Range | undefined;
  let more = cursor.open(openBrace);
  while (more && cursor.key()) {
    const isNamed = keyIndex(cursor, names) === 0;
    const start = cursor.at;
    if (!cursor.skipValue()) return undefined;
    if (isNamed) found = { start, end: cursor.at };
    more = cursor.next(openBrace);
  }
  return cursor.problem === undefined ? found : undefined;
}

function element(cursor: JsonCursor, index: number): Range | undefined {
  let more = cursor.open(openBracket);
  for (let position = 0; more; position++) {
    const start = cursor.at;
    if (!cursor.skipValue()) return undefined;
    if (position === index) return { start, end: cursor.at };
    more = cursor.next(openBracket);
  }
  return undefined;
}

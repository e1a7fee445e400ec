import { GatewayError } from '../errors.ts';
import { closeBrace, comma, isWhitespace, openBrace, type Range, skipWhitespace } from './json-cursor.ts';
import type { Member } from './scan-object.ts';

/** Puts `text` in the place of a range; an empty range inserts. */
export interface Edit extends Range {
  readonly text: string;
}

/** A copy with these ranges replaced and every other byte as it was. Throws GatewayError BUG if the ranges overlap. */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const ordered = inOrder(edits, bytes.length);
  let { length } = bytes;
  for (const { start, end, text } of ordered) length += Buffer.byteLength(text) - (end - start);
  const result = Buffer.allocUnsafe(length);
  let at = 0;
  let copied = 0;
  for (const { start, end, text } of ordered) {
    at += bytes.copy(result, at, copied, start);
    at += result.write(text, at);
    copied = end;
  }
  bytes.copy(result, at, copied);
  return result;
}

/** Edits of so many bytes by their places. Throws GatewayError BUG if they overlap or lie outside. */
export function inOrder(edits: readonly Edit[], length: number): readonly Edit[] {
  const ordered =
    edits.length > 1 ? edits.toSorted((one, other) => one.start - other.start || one.end - other.end) : edits;
  let last = 0;
  for (const { start, end } of ordered) {
    if (start < last || end < start || end > length)
      throw new GatewayError('BUG', { reason: 'overlapping edits of a body' });
    last = end;
  }
  return ordered;
}

/** Removes a member that scanTopLevel found, and those of the same name before it, each with its comma. */
export function removeMember(bytes: Buffer, member: Member): Buffer {
  let rest = bytes;
  for (let current: Member | undefined = member; current !== undefined; current = current.earlier) {
    rest = splice(rest, [{ ...withComma(rest, current), text: '' }]);
  }
  return rest;
}

function withComma(bytes: Buffer, { keyStart, end }: Member): Range {
  const after = skipWhitespace(bytes, end);
  if (bytes[after] === comma) return { start: keyStart, end: skipWhitespace(bytes, after + 1) };
  const before = skipWhitespaceBack(bytes, keyStart);
  return { start: bytes[before - 1] === comma ? before - 1 : keyStart, end };
}

/**
 * Adds a member to the top-level object. The caller knows that there is none of this name and that the bytes are a
 * whole object; throws GatewayError BUG where they do not look it.
 */
export function insertMember(bytes: Buffer, name: string, jsonText: string, place: 'first' | 'last' = 'last'): Buffer {
  const open = skipWhitespace(bytes, 0);
  const close = skipWhitespaceBack(bytes, bytes.length) - 1;
  if (bytes[open] !== openBrace || bytes[close] !== closeBrace)
    throw new GatewayError('BUG', { reason: 'a member for a body that is no object' });
  const member = `${JSON.stringify(name)}:${jsonText}`;
  const lastEnd = skipWhitespaceBack(bytes, close);
  if (lastEnd === open + 1) return splice(bytes, [{ start: lastEnd, end: lastEnd, text: member }]);
  return place === 'first'
    ? splice(bytes, [{ start: open + 1, end: open + 1, text: `${member},` }])
    : splice(bytes, [{ start: lastEnd, end: lastEnd, text: `,${member}` }]);
}

/** The end of what stands before `from`, whitespace left out. */
function skipWhitespaceBack(bytes: Buffer, from: number): number {
  let at = from;
  while (at > 0 && isWhitespace(bytes[at - 1])) at--;
  return at;
}

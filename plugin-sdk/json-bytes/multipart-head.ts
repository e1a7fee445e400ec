import type { Range } from './json-cursor.ts';

const lineFeed = 10;
const carriageReturn = 13;
const dash = 45;
/** No real part has more; without a limit a hostile one could make the search for parameters long. */
const maxHeaderBytes = 16 * 1024;
/** Sticky, so that a malformed parameter ends the list instead of being searched for the next. */
const parameter = /\s*;\s*([^\s=;"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*)))?/gy;

/** A text field of a form; the range is its value's. */
export interface MultipartField extends Range {
  readonly name: string;
  readonly value: string;
}

/**
 * Text fields of these names in a multipart/form-data body (RFC 7578), in the order of the body, duplicates included.
 * The bytes may be the head of a body: a field that is not there in full is left out. Parts with a file name are
 * never fields, and parts are walked one after the other, so what a file contains is never read as one.
 */
export function readMultipartField(head: Buffer, boundary: string, names: readonly string[]): MultipartField[] {
  const fields: MultipartField[] = [];
  const delimiter = `--${boundary}`;
  let line = firstDelimiter(head, delimiter);
  // A body keeps one style of newline; taking LF for CRLF would find delimiters inside binary content.
  const newline = line !== undefined && head[line.end - 2] === carriageReturn ? '\r\n' : '\n';
  while (line !== undefined && !line.closing) {
    const part = readHeaders(head, line.end);
    if (part === undefined) break;
    const next = nextDelimiter(head, newline + delimiter, part.contentStart - newline.length);
    if (next === undefined) break;
    if (part.name !== undefined && names.includes(part.name)) {
      const range = { start: part.contentStart, end: Math.max(part.contentStart, next.start) };
      fields.push({ name: part.name, value: head.toString('utf8', range.start, range.end), ...range });
    }
    line = next;
  }
  return fields;
}

/** The boundary that a multipart/form-data content type names; undefined for any other type. */
export function multipartBoundary(contentType: string | undefined): string | undefined {
  if (contentType === undefined || !/^multipart\/form-data/i.test(contentType)) return undefined;
  const match = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

interface DelimiterLine extends Range {
  readonly closing: boolean;
}

/** The preamble before it counts for nothing. */
function firstDelimiter(head: Buffer, delimiter: string): DelimiterLine | undefined {
  for (let at = head.indexOf(delimiter); at !== -1; at = head.indexOf(delimiter, at + 1)) {
    const line = at === 0 || head[at - 1] === lineFeed ? delimiterLine(head, at, at + delimiter.length) : undefined;
    if (line !== undefined) return line;
  }
  return undefined;
}

function nextDelimiter(head: Buffer, delimiter: string, from: number): DelimiterLine | undefined {
  for (let at = head.indexOf(delimiter, from); at !== -1; at = head.indexOf(delimiter, at + 1)) {
    const line = delimiterLine(head, at, at + delimiter.length);
    if (line !== undefined) return line;
  }
  return undefined;
}

/** Undefined if the boundary's text goes on (it is the start of a longer word), or the head ends in it. */
function delimiterLine(head: Buffer, start: number, from: number): DelimiterLine | undefined {
  if (head[from] === dash && head[from + 1] === dash) return { start, end: from + 2, closing: true };
  let at = from;
  while (head[at] === 32 || head[at] === 9) at++;
  if (head[at] === carriageReturn) at++;
  return head[at] === lineFeed ? { start, end: at + 1, closing: false } : undefined;
}

/** `name` is undefined for a part that is no text field. */
function readHeaders(head: Buffer, from: number): { name: string | undefined; contentStart: number } | undefined {
  let start = from;
  for (;;) {
    const end = head.indexOf(lineFeed, start);
    if (end === -1) return undefined;
    if (end === start || (end === start + 1 && head[start] === carriageReturn)) {
      const name = start - from > maxHeaderBytes ? undefined : fieldName(head.toString('utf8', from, start));
      return { name, contentStart: end + 1 };
    }
    start = end + 1;
  }
}

function fieldName(headers: string): string | undefined {
  const unfolded = headers.replace(/\r?\n[ \t]+/g, ' ');
  const disposition = /^content-disposition:[ \t]*form-data[ \t]*(;.*)$/im.exec(unfolded)?.[1];
  if (disposition === undefined) return undefined;
  let name: string | undefined;
  let end = 0;
  for (const [whole, key, quoted, plain] of disposition.matchAll(parameter)) {
    if (/^filename\*?$/i.test(key!)) return undefined;
    if (key!.toLowerCase() === 'name') name ??= quoted?.replace(/\\(.)/g, '$1') ?? plain?.trim();
    end += whole.length;
  }
  return /^[\s;]*$/.test(disposition.slice(end)) ? name : undefined;
}

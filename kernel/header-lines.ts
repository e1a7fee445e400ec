import type { FlatHeaders } from '../plugin-sdk/index.ts';

/** The name of a header or a method (RFC 9110 section 5.6.2). */
export const token = /^[!#$%&'*+\-.^`|~\w]+$/;
/** What no value of a header may hold. */
export const badInValue = /[^\t\x20-\x7e\x80-\xff]/;

/** A header line in a regular expression: token, colon and text without control characters. */
export const lineShape = /[!#$%&'*+\-.^`|~\w]+:[\t\x20-\x7e\x80-\xff]*\r\n/.source;

/** Reads lines, each of {@link lineShape}; values without the spaces and tabs at both ends. */
export function readHeaderLines(lines: string): FlatHeaders {
  const headers: FlatHeaders = [];
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(':', at);
    const end = lines.indexOf('\r\n', colon);
    headers.push(lines.slice(at, colon), trimmed(lines, colon + 1, end));
    at = end + 2;
  }
  return headers;
}

/** Throws Error, which names no value, for what would break the line it stands in. */
export function writeHeaderLine(name: string, value: string): string {
  if (!token.test(name) || typeof value !== 'string' || badInValue.test(value))
    throw new Error(`the header ${JSON.stringify(name)} holds a character that HTTP does not allow`);
  return `${name}: ${value}\r\n`;
}

/** All of them. Throws as {@link writeHeaderLine} does. */
export function writeHeaderLines(headers: FlatHeaders): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) lines += writeHeaderLine(headers[i]!, headers[i + 1]!);
  return lines;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

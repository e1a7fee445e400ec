import { Readable } from 'node:stream';
import { type OutgoingHeaders, Pieces, Secret, type UpstreamRequest } from '../../plugin-sdk/index.ts';
import { token, writeHeaderLine } from '../header-lines.ts';

/** A request as it is written to a connection. */
export interface WireRequest {
  readonly method: string;
  /** Latin1 text, with the empty line behind it. */
  readonly head: string;
  readonly body: UpstreamRequest['body'];
  /** Bytes of a streamed body, as its head declares them; one of unknown length goes out in chunks. */
  readonly streamBytes: number | undefined;
}

const badInPath = /[^\x21-\xff]/;

/** What is written here, once, by their lengths; a provider may name another host, and the length of a streamed body. */
const ownHeaders: ReadonlyMap<number, string> = new Map(
  ['host', 'connection', 'content-length', 'transfer-encoding'].map((name) => [name.length, name]),
);

/** Methods whose request says that it has no body (RFC 9110 section 8.6). */
const expectsBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Writes the head of a request (RFC 9112 section 3). Here credentials become text, on their way to the socket. Throws
 * Error, which names no value, for what would break the line it stands in.
 */
export function wireRequest(request: UpstreamRequest, host: string): WireRequest {
  const { method, path, headers, body } = request;
  if (!token.test(method)) throw new Error('its method holds a character that HTTP does not allow');
  if (badInPath.test(path)) throw new Error('its path holds a character that HTTP does not allow');
  const { lines, named = host, streamBytes } = plainLines(headers);
  const start = `${method} ${path} HTTP/1.1\r\nhost: ${named}\r\nconnection: keep-alive\r\n`;
  const framing = framingLine(method, body, streamBytes);
  return { method, head: `${start}${lines}${secretLines(headers)}${framing}\r\n`, body, streamBytes };
}

/** The headers of a request that are no secret, written, and what of them is written elsewhere. */
interface PlainLines {
  readonly headers: OutgoingHeaders;
  readonly lines: string;
  /** Another host that the provider names. */
  readonly named: string | undefined;
  readonly streamBytes: number | undefined;
}

/** By the length of the list, the last ones: callers of one kind send the same headers call after call. */
const lastPlainLines: (PlainLines | undefined)[] = [];
const longestKept = 128;

function plainLines(headers: OutgoingHeaders): PlainLines {
  const last = lastPlainLines[headers.length];
  if (last !== undefined && areSame(last.headers, headers)) return last;
  let streamBytes: number | undefined;
  let named: string | undefined;
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) {
    const name = revealed(headers[i]!);
    const value = headers[i + 1]!;
    if (value instanceof Secret) continue;
    const text = writeHeaderLine(name, value);
    const own = ownHeader(name);
    if (own === undefined) lines += text;
    else if (own === 'host') named = value;
    else if (own === 'content-length' && /^\d+$/.test(value)) streamBytes = Number(value);
  }
  const written = { headers: [...headers], lines, named, streamBytes };
  if (headers.length <= longestKept) lastPlainLines[headers.length] = written;
  return written;
}

/** One secret value may stand for another here: neither is written. */
function areSame(some: OutgoingHeaders, others: OutgoingHeaders): boolean {
  for (let i = 0; i < some.length; i += 2) {
    if (some[i] !== others[i]) return false;
    const value = some[i + 1];
    if (value !== others[i + 1] && !(value instanceof Secret && others[i + 1] instanceof Secret)) return false;
  }
  return true;
}

function secretLines(headers: OutgoingHeaders): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1]!;
    if (!(value instanceof Secret)) continue;
    const name = revealed(headers[i]!);
    const text = writeHeaderLine(name, Secret.reveal(value));
    if (ownHeader(name) === undefined) lines += text;
  }
  return lines;
}

function ownHeader(name: string): string | undefined {
  const own = ownHeaders.get(name.length);
  return own !== undefined && name.toLowerCase() === own ? own : undefined;
}

/** A part of a header as plain text. For senders alone. */
export function revealed(part: string | Secret): string {
  return typeof part === 'string' ? part : Secret.reveal(part);
}

function framingLine(method: string, body: UpstreamRequest['body'], streamBytes: number | undefined): string {
  let length: number | undefined;
  if (body === undefined) length = 0;
  else if (body instanceof Readable) length = streamBytes;
  else length = body instanceof Pieces ? body.length : Buffer.byteLength(body);
  if (length === undefined) return 'transfer-encoding: chunked\r\n';
  return length > 0 || expectsBody.has(method) ? `content-length: ${length}\r\n` : '';
}

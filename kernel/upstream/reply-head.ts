import type { FlatHeaders } from '../../plugin-sdk/index.ts';
import { lineShape, readHeaderLines } from '../header-lines.ts';
import { MalformedReply } from './malformed-reply.ts';

/** Milliseconds that a connection is kept when its upstream does not say. */
const keptMs = 30_000;
const longestKeptMs = 600_000;
/** An upstream's own limit is undercut by this much, so that it does not close what is just being used. */
const marginMs = 2_000;

/** What stands before the body of a reply. */
export interface ReplyHead {
  readonly status: number;
  readonly headers: FlatHeaders;
  /** Bytes of the body, or how its end is told (RFC 9112 section 6.3). */
  readonly body: number | 'chunked' | 'until-close';
  /** Milliseconds that the connection may wait for its next call; 0 when it ends with this reply. */
  readonly keptMs: number;
}

/** A whole head but its last empty line: status line, then header lines. */
const shape = new RegExp(
  `^HTTP\\/1\\.([01]) ([1-9]\\d\\d)(?: [\\t\\x20-\\x7e\\x80-\\xff]*)?\\r\\n((?:${lineShape})*)$`,
);

/**
 * Reads the head of a reply, given as latin1 text up to and with the end of its last line. As strict as node's own
 * parser: where two readers could disagree on where a reply ends (two lengths, a length beside chunks, folded lines, bare
 * line feeds), it is refused. Throws MalformedReply.
 */
export function readReplyHead(text: string, method: string): ReplyHead {
  const match = shape.exec(text);
  if (match === null) throw new MalformedReply('its head is no HTTP/1.1');
  const status = Number(match[2]);
  const headers = readHeaderLines(match[3]!);
  let length: string | undefined;
  let coding: string | undefined;
  let isKept = match[1] === '1';
  let hint: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    // Names that matter here are told apart by their lengths first.
    switch (name.length) {
      case 7:
        // It announces what follows a chunked body; the reply may go on in one piece, beside which it is not allowed.
        if (name.toLowerCase() !== 'trailer') break;
        headers.splice(i, 2);
        i -= 2;
        break;
      case 10: {
        const lower = name.toLowerCase();
        if (lower === 'connection') isKept = staysOpen(value, isKept);
        else if (lower === 'keep-alive') hint = value;
        break;
      }
      case 14:
        if (name.toLowerCase() !== 'content-length') break;
        if (length !== undefined) throw new MalformedReply('it has two content-length headers');
        length = value;
        break;
      case 17:
        if (name.toLowerCase() !== 'transfer-encoding') break;
        if (coding !== undefined) throw new MalformedReply('it has two transfer-encoding headers');
        coding = value;
        break;
    }
  }
  const body = bodyOf(status, method, length, coding);
  return { status, headers, body, keptMs: isKept && body !== 'until-close' ? keptFor(hint) : 0 };
}

/** The lines behind a chunked body, as latin1 text. Throws MalformedReply. */
export function readTrailers(text: string): FlatHeaders {
  return text === '' ? [] : readReplyHead(`HTTP/1.1 204\r\n${text}`, 'GET').headers;
}

function staysOpen(connection: string, before: boolean): boolean {
  const options = connection.toLowerCase().split(',');
  if (options.some((option) => option.trim() === 'close')) return false;
  return before || options.some((option) => option.trim() === 'keep-alive');
}

function bodyOf(
  status: number,
  method: string,
  length: string | undefined,
  coding: string | undefined,
): ReplyHead['body'] {
  if (coding !== undefined && length !== undefined)
    throw new MalformedReply('it has a length beside a transfer coding');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new MalformedReply('its content-length is no number');
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return 0;
  if (coding === undefined) return length === undefined ? 'until-close' : Number(length);
  if (coding.toLowerCase() !== 'chunked') throw new MalformedReply(`its transfer coding is ${JSON.stringify(coding)}`);
  return 'chunked';
}

function keptFor(hint: string | undefined): number {
  const seconds = hint === undefined ? null : /timeout=(\d+)/i.exec(hint);
  if (seconds === null) return keptMs;
  return Math.min(longestKeptMs, Math.max(0, Number(seconds[1]) * 1_000 - marginMs));
}

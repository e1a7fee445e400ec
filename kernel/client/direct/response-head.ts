import type { FlatHeaders } from '../../../plugin-sdk/index.ts';
import { writeHeaderLine } from '../../header-lines.ts';
import { STATUS_CODES } from '../../node-builtins.ts';

/** How the body behind a head is framed: by its length, in chunks, or not at all because there is none. */
export type Framing = 'length' | 'chunks' | 'none';

export interface ResponseHead {
  readonly text: string;
  readonly framing: Framing;
}

/**
 * The head of a response as latin1 text, with the headers that node would add. `keptSeconds`: how long the connection may
 * wait for its next request; 0 ends it behind the response. Throws Error for what is no header.
 */
export function responseHead(status: number, headers: FlatHeaders, keptSeconds: number): ResponseHead {
  let text = statusLine(status);
  let framing: Framing = status === 204 || status === 304 ? 'none' : 'chunks';
  let isDated = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    text += writeHeaderLine(name, headers[i + 1]!);
    if (name.length === 4 && name.toLowerCase() === 'date') isDated = true;
    else if (name.length === 14 && framing === 'chunks' && name.toLowerCase() === 'content-length') framing = 'length';
  }
  if (!isDated) text += `Date: ${now()}\r\n`;
  text +=
    keptSeconds > 0 ? `Connection: keep-alive\r\nKeep-Alive: timeout=${keptSeconds}\r\n` : 'Connection: close\r\n';
  text += framing === 'chunks' ? 'Transfer-Encoding: chunked\r\n\r\n' : '\r\n';
  return { text, framing };
}

function statusLine(status: number): string {
  return status === 200 ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
}

let second = 0;
let date = '';

/** The time as HTTP writes it, made once a second. */
function now(): string {
  const current = Math.floor(Date.now() / 1_000);
  if (current !== second) {
    second = current;
    date = new Date(current * 1_000).toUTCString();
  }
  return date;
}

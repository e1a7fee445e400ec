import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Body, FlatHeaders, RequestHeaders } from '../../plugin-sdk/index.ts';
import { joinedBytes, latin1 } from '../latin1.ts';
import type { BodyLimits, Client } from './client.ts';
import { closeInSteps } from './linger.ts';
import { readBody } from './read-body.ts';

/** A caller on a socket. Writes to node's response directly: web `Response` objects cost five times the rest of a call. */
export class NodeClient implements Client {
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  onGone: (() => void) | undefined = undefined;
  source: { resume(): void } | undefined = undefined;
  bytesOut = 0;
  /** Whether the body goes out in chunks, framed here. */
  #chunked = false;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) this.onGone?.();
    });
    outgoing.on('drain', () => this.source?.resume());
  }

  get method(): string {
    return this.#incoming.method ?? 'GET';
  }

  get url(): string {
    return this.#incoming.url ?? '/';
  }

  get headers(): FlatHeaders {
    return this.#incoming.rawHeaders;
  }

  get address(): string {
    return this.#incoming.socket.remoteAddress ?? '';
  }

  get upgrade(): boolean {
    return false;
  }

  get headSent(): boolean {
    return this.#outgoing.headersSent;
  }

  readBody(headers: RequestHeaders, limits: BodyLimits): Body | Promise<Body> {
    return readBody(this.#incoming, headers, limits);
  }

  writeHead(status: number, headers: FlatHeaders): void {
    // A body that nobody read any more must not be taken for the next request.
    if (!this.#incoming.complete) {
      headers = [...headers, 'connection', 'close'];
      const { socket } = this.#incoming;
      // What node calls behind an answer with `connection: close`.
      socket.destroySoon = () => closeInSteps(socket);
    }
    const outgoing = this.#outgoing;
    outgoing.writeHead(status, headers);
    this.#chunked = outgoing.chunkedEncoding;
    // node writes a chunk in four pieces; framed here it is one, and together with the head still one.
    outgoing.chunkedEncoding = false;
  }

  write(chunk: Buffer | string): boolean {
    const size = Buffer.byteLength(chunk);
    this.bytesOut += size;
    const outgoing = this.#outgoing;
    if (!this.#chunked) return outgoing.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    // An empty one would be the last.
    if (size === 0) return true;
    const frame = `${size.toString(16)}\r\n`;
    if (size <= joinedBytes) return outgoing.write(`${frame}${latin1(chunk, size)}\r\n`, 'latin1');
    outgoing.write(frame, 'latin1');
    outgoing.write(chunk);
    return outgoing.write('\r\n', 'latin1');
  }

  end(chunk: Buffer | string | undefined, trailers?: FlatHeaders): void {
    const outgoing = this.#outgoing;
    if (this.#chunked) {
      if (chunk !== undefined) this.write(chunk);
      outgoing.chunkedEncoding = true;
      if (trailers !== undefined && trailers.length > 0) outgoing.addTrailers(pairs(trailers));
      outgoing.end();
      return;
    }
    if (chunk === undefined) {
      outgoing.end();
      return;
    }
    const size = Buffer.byteLength(chunk);
    this.bytesOut += size;
    if (size <= joinedBytes) outgoing.end(latin1(chunk, size), 'latin1');
    else outgoing.end(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  }

  cut(): void {
    this.#outgoing.destroy();
  }

  /** Sends the head at once, for a reply whose first bytes may take their time. */
  flushHead(): void {
    // As `flushHeaders` does, which would write the head as UTF-8.
    if (!this.#outgoing.writableEnded) this.#outgoing.write('', 'latin1');
  }
}

function pairs(flat: FlatHeaders): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) result.push([flat[i]!, flat[i + 1]!]);
  return result;
}

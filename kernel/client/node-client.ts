import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Body, FlatHeaders } from '../../plugin-sdk/index.ts';
import type { BodyLimits, Client } from './client.ts';
import { lingerOnClose } from './linger.ts';
import { readBody } from './read-body.ts';

/** A caller on a socket. Writes to node's response directly: web `Response` objects cost five times the rest of a call. */
export class NodeClient implements Client {
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  onGone: (() => void) | undefined = undefined;
  source: { resume(): void } | undefined = undefined;
  bytesOut = 0;

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

  readBody(limits: BodyLimits): Body | Promise<Body> {
    return readBody(this.#incoming, limits);
  }

  writeHead(status: number, headers: FlatHeaders): void {
    // A body that nobody read any more must not be taken for the next request.
    if (!this.#incoming.complete) {
      headers = [...headers, 'connection', 'close'];
      lingerOnClose(this.#incoming.socket);
    }
    this.#outgoing.writeHead(status, headers);
  }

  write(chunk: Buffer | string): boolean {
    this.bytesOut += Buffer.byteLength(chunk);
    return this.#outgoing.write(chunk);
  }

  end(chunk: Buffer | string | undefined, trailers?: FlatHeaders): void {
    if (chunk !== undefined) this.bytesOut += Buffer.byteLength(chunk);
    if (trailers !== undefined && trailers.length > 0) this.#outgoing.addTrailers(pairs(trailers));
    this.#outgoing.end(chunk);
  }

  cut(): void {
    this.#outgoing.destroy();
  }

  /** Sends the head at once, for a reply whose first bytes may take their time. */
  flushHead(): void {
    if (!this.#outgoing.writableEnded) this.#outgoing.flushHeaders();
  }
}

function pairs(flat: FlatHeaders): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) result.push([flat[i]!, flat[i + 1]!]);
  return result;
}

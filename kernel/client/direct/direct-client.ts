import type { Body, FlatHeaders, RequestHeaders } from '../../../plugin-sdk/index.ts';
import { latin1 } from '../../latin1.ts';
import type { BodyLimits, Client } from '../client.ts';
import { readBody, readWholeBody } from '../read-body.ts';
import type { DirectConnection } from './direct-connection.ts';
import type { RequestHead } from './request-head.ts';
import { type Framing, responseHead, trailerLines } from './response-head.ts';

/** Up to this many bytes are joined with the head or the frame of their chunk into one latin1 text; above, copying costs more. */
const joinedBytes = 15_360;

/** A caller whose request came by a {@link DirectConnection}. What it is answered goes to the socket in as few writes as possible. */
export class DirectClient implements Client {
  readonly method = 'POST';
  readonly url: string;
  readonly headers: FlatHeaders;
  readonly upgrade = false;
  readonly #connection: DirectConnection;
  onGone: (() => void) | undefined = undefined;
  source: { resume(): void } | undefined = undefined;
  bytesOut = 0;
  headSent = false;
  /** The head, or what else is to go out with the next write. */
  #held = '';
  #framing: Framing = 'length';

  constructor(connection: DirectConnection, head: RequestHead) {
    this.#connection = connection;
    this.url = head.url;
    this.headers = head.headers;
  }

  get address(): string {
    return this.#connection.socket.remoteAddress ?? '';
  }

  readBody(headers: RequestHeaders, limits: BodyLimits): Body | Promise<Body> {
    const body = this.#connection.requestBody();
    return Buffer.isBuffer(body) ? readWholeBody(body, headers, limits) : readBody(body, headers, limits);
  }

  writeHead(status: number, headers: FlatHeaders): void {
    const { text, framing } = responseHead(status, headers, this.#connection.keptSeconds());
    this.#held = text;
    this.#framing = framing;
    this.headSent = true;
  }

  write(chunk: Buffer | string): boolean {
    const size = Buffer.byteLength(chunk);
    this.bytesOut += size;
    // An empty chunk would be the last.
    if (size === 0 || this.#framing === 'none') return true;
    const { socket } = this.#connection;
    const isChunk = this.#framing === 'chunks';
    const before = isChunk ? `${this.#takeHeld()}${size.toString(16)}\r\n` : this.#takeHeld();
    if (size <= joinedBytes) {
      const content = latin1(chunk, size);
      return socket.write(isChunk ? `${before}${content}\r\n` : before + content, 'latin1');
    }
    socket.cork();
    if (before !== '') socket.write(before, 'latin1');
    const goesOn = socket.write(chunk);
    if (isChunk) socket.write('\r\n', 'latin1');
    socket.uncork();
    return goesOn;
  }

  end(chunk: Buffer | string | undefined, trailers: FlatHeaders = []): void {
    const size = chunk === undefined ? 0 : Buffer.byteLength(chunk);
    if (size > joinedBytes) this.write(chunk!);
    else if (size > 0) {
      this.bytesOut += size;
      const content = latin1(chunk!, size);
      if (this.#framing === 'length') this.#held += content;
      else if (this.#framing === 'chunks') this.#held += `${size.toString(16)}\r\n${content}\r\n`;
    }
    if (this.#framing === 'chunks') this.#held += `0\r\n${trailerLines(trailers)}\r\n`;
    this.#connection.finish(this.#takeHeld());
  }

  cut(): void {
    this.#connection.socket.destroy();
  }

  flushHead(): void {
    if (this.#held !== '') this.#connection.socket.write(this.#takeHeld(), 'latin1');
  }

  #takeHeld(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

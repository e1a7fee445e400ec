import type { Body, FlatHeaders, RequestHeaders } from '../../../plugin-sdk/index.ts';
import { writeHeaderLines } from '../../header-lines.ts';
import { joinedBytes, latin1 } from '../../latin1.ts';
import type { BodyLimits, Client } from '../client.ts';
import { readBody, readWholeBody } from '../read-body.ts';
import type { DirectConnection } from './direct-connection.ts';
import type { RequestHead } from './request-head.ts';
import { type Framing, responseHead } from './response-head.ts';

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
    const { text, framing } = responseHead(status, headers, this.#connection.startResponse());
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
    if (size <= joinedBytes) return socket.write(this.#takeHeld() + this.#framed(latin1(chunk, size)), 'latin1');
    const isChunk = this.#framing === 'chunks';
    const before = isChunk ? `${this.#takeHeld()}${size.toString(16)}\r\n` : this.#takeHeld();
    socket.cork();
    if (before !== '') socket.write(before, 'latin1');
    const goesOn = socket.write(chunk);
    if (isChunk) socket.write('\r\n', 'latin1');
    socket.uncork();
    return goesOn;
  }

  end(chunk: Buffer | string = '', trailers: FlatHeaders = []): void {
    const size = Buffer.byteLength(chunk);
    if (size > joinedBytes) this.write(chunk);
    else if (size > 0) {
      this.bytesOut += size;
      this.#held += this.#framed(latin1(chunk, size));
    }
    if (this.#framing === 'chunks') this.#held += `0\r\n${writeHeaderLines(trailers)}\r\n`;
    this.#connection.finish(this.#takeHeld());
  }

  cut(): void {
    this.#connection.socket.destroy();
  }

  flushHead(): void {
    if (this.#held !== '') this.#connection.socket.write(this.#takeHeld(), 'latin1');
  }

  /** Content, one character for each byte, as it goes out. */
  #framed(content: string): string {
    if (this.#framing === 'none') return '';
    return this.#framing === 'chunks' ? `${content.length.toString(16)}\r\n${content}\r\n` : content;
  }

  #takeHeld(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

import type { Socket } from 'node:net';
import type { Body, FlatHeaders, RequestHeaders } from '../../../plugin-sdk/index.ts';
import { writeHeaderLines } from '../../header-lines.ts';
import { joinedBytes, latin1 } from '../../latin1.ts';
import type { BodyLimits, Client } from '../client.ts';
import { readBody, readWholeBody } from '../read-body.ts';
import type { RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';
import { type Framing, responseHead } from './response-head.ts';

/** What a caller asks of the connection by which its request came. */
export interface CallersConnection {
  readonly socket: Socket;
  /** The body of the request: all its bytes, or a stream of what comes. */
  requestBody(): Buffer | RequestBody;
  /** Decides, for the head of the response, how many seconds the connection may wait for its next request; 0 ends it. */
  startResponse(): number;
  /** Writes the end of the response. */
  finish(text: string): void;
}

/** A caller whose request came by a direct connection. What it is answered goes to the socket in as few writes as possible. */
export class DirectClient implements Client {
  readonly method = 'POST';
  readonly url: string;
  readonly headers: FlatHeaders;
  readonly upgrade = false;
  readonly #connection: CallersConnection;
  onGone: (() => void) | undefined = undefined;
  source: { resume(): void } | undefined = undefined;
  bytesOut = 0;
  headSent = false;
  /** The head, or the end of a chunk: what is to go out before the next content. */
  #held = '';
  /** Content that is not framed yet, one character for each byte: what is written in one turn goes out in one piece. */
  #content = '';
  /** It goes out at the end of this turn of the event loop. */
  #isDue = false;
  #isCorked = false;
  #framing: Framing = 'length';

  constructor(connection: CallersConnection, head: RequestHead) {
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
    const goesOn = this.#add(chunk);
    if (this.#content !== '') this.#flushSoon();
    return goesOn;
  }

  end(chunk: Buffer | string = '', trailers: FlatHeaders = []): void {
    this.#add(chunk);
    const last = this.#framing === 'chunks' ? `0\r\n${writeHeaderLines(trailers)}\r\n` : '';
    this.#connection.finish(this.#takeText() + last);
    this.#uncork();
  }

  cut(): void {
    this.#flush();
    this.#connection.socket.destroy();
  }

  flushHead(): void {
    this.#flush();
  }

  /** Holds content for the next write. False when the socket has more than it can send. */
  #add(chunk: Buffer | string): boolean {
    const size = Buffer.byteLength(chunk);
    this.bytesOut += size;
    // An empty chunk would be the last.
    if (size === 0 || this.#framing === 'none') return true;
    if (size > joinedBytes) return this.#writeAlone(chunk, size);
    if (this.#content.length + size > joinedBytes) this.#flush();
    this.#content += latin1(chunk, size);
    return !this.#connection.socket.writableNeedDrain;
  }

  /** Bytes that are too many to be copied into a text. */
  #writeAlone(chunk: Buffer | string, size: number): boolean {
    const { socket } = this.#connection;
    const isChunk = this.#framing === 'chunks';
    const before = this.#takeText() + (isChunk ? `${size.toString(16)}\r\n` : '');
    if (!this.#isCorked) socket.cork();
    this.#isCorked = true;
    if (before !== '') socket.write(before, 'latin1');
    const goesOn = socket.write(chunk);
    if (isChunk) {
      this.#held = '\r\n';
      this.#flushSoon();
    } else this.#uncork();
    return goesOn;
  }

  /** Not before all that this turn brings was written: events that arrive together leave together. */
  #flushSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    process.nextTick(DirectClient.#flushDue, this);
  }

  static #flushDue(client: DirectClient): void {
    client.#isDue = false;
    client.#flush();
  }

  /** Writes what is held. */
  #flush(): void {
    const text = this.#takeText();
    if (text !== '') this.#connection.socket.write(text, 'latin1');
    this.#uncork();
  }

  /** What is held, framed. */
  #takeText(): string {
    const content = this.#content;
    let text = this.#held;
    if (content !== '')
      text += this.#framing === 'chunks' ? `${content.length.toString(16)}\r\n${content}\r\n` : content;
    this.#held = this.#content = '';
    return text;
  }

  #uncork(): void {
    if (this.#isCorked) this.#connection.socket.uncork();
    this.#isCorked = false;
  }
}

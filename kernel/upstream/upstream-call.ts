import { Readable } from 'node:stream';
import type { FlatHeaders, Sink } from '../../plugin-sdk/index.ts';
import { noteRead } from '../buffer-garbage.ts';
import type { Connection, ConnectionCall, ConnectionFailure } from './connection.ts';
import type { Pool } from './connections.ts';
import type { ReplyHead } from './reply-head.ts';
import { upstreamError } from './upstream-error.ts';
import type { UpstreamReply } from './upstream-reply.ts';
import type { WireRequest } from './wire-request.ts';

const holdBytes = 65_536;

/** One call on a connection, turned into a promise of the head and a flow of the body. */
export class UpstreamCall implements ConnectionCall, UpstreamReply {
  status = 0;
  headers: FlatHeaders = [];
  trailers: FlatHeaders = [];
  connectMs: number | undefined = undefined;
  watch: { touch(): void } | undefined = undefined;
  readonly #provider: string;
  readonly #resolve: (reply: UpstreamReply) => void;
  readonly #reject: (error: Error) => void;
  readonly #sent: (() => void) | undefined;
  /** Makes the call once more, on a connection of its own. */
  #again: (() => void) | undefined = undefined;
  #connection: Pick<Connection, 'pause' | 'resume' | 'destroy' | 'connectMs'> | undefined = undefined;
  #sink: Sink<Buffer> | undefined = undefined;
  #chunks: Buffer[] = [];
  #held = 0;
  #full = false;
  #ended = false;
  #failure: Error | undefined = undefined;

  constructor(
    provider: string,
    resolve: (reply: UpstreamReply) => void,
    reject: (error: Error) => void,
    sent: (() => void) | undefined,
  ) {
    this.#provider = provider;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#sent = sent;
  }

  /** Sends the request. What was streamed cannot be sent twice, and so is not risked on a connection that may just be closing. */
  begin(request: WireRequest, pool: Pool): void {
    if (this.#ended) return;
    if (request.body instanceof Readable) return this.#write(request, pool.fresh());
    const again = (): void => this.#write(request, pool.fresh());
    this.#again = again;
    this.#write(request, pool.take());
  }

  onBodySent(): void {
    this.#sent?.();
  }

  onHead({ status, headers }: ReplyHead): void {
    this.status = status;
    this.headers = headers;
    this.connectMs = this.#connection?.connectMs;
    this.#again = undefined;
    this.#resolve(this);
  }

  onData(bytes: Buffer): void {
    this.watch?.touch();
    noteRead(bytes.length);
    this.#chunks.push(bytes);
    this.#held += bytes.length;
    if (this.#sink !== undefined && !this.#full) this.#deliver();
    else if (this.#held > holdBytes) this.#connection?.pause();
  }

  onEnd(trailers: FlatHeaders): void {
    this.#connection = undefined;
    this.trailers = trailers;
    this.#ended = true;
    this.#deliver();
  }

  onError({ cause, wasOpen, crossed }: ConnectionFailure): void {
    this.#connection = undefined;
    const again = this.#again;
    if (crossed && again !== undefined) {
      this.#again = undefined;
      again();
      return;
    }
    if (this.status === 0) this.#reject(upstreamError(this.#provider, cause, wasOpen ? 'asked' : 'connecting'));
    else this.#fail(upstreamError(this.#provider, cause, 'answered'));
  }

  start(sink: Sink<Buffer>): void {
    this.#sink = sink;
    this.resume();
  }

  get paused(): boolean {
    return this.#full;
  }

  resume(): void {
    this.#full = false;
    this.#deliver();
    if (!this.#full) this.#connection?.resume();
  }

  abort(reason: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = reason;
    this.#sink = undefined;
    this.#drop();
    this.#close();
    // Nothing, where the head has come.
    this.#reject(reason);
  }

  cut(error: Error): void {
    if (this.#ended && !this.#full) return;
    this.#close();
    if (this.#full) this.#drop();
    this.#fail(error);
  }

  takeWhole(): Buffer | undefined {
    if (!this.#ended || this.#failure !== undefined) return undefined;
    return this.#merged();
  }

  #write(request: WireRequest, connection: Connection): void {
    this.#connection = connection;
    connection.send(request, this);
  }

  /** Nobody takes what is held, nor would hear of anything behind it. */
  #drop(): void {
    this.#chunks = [];
    this.#held = 0;
    this.#full = false;
  }

  #close(): void {
    this.#again = undefined;
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#ended = true;
    this.#deliver();
  }

  #deliver(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#full) return;
    if (this.#held > 0 && !this.#push(sink)) {
      this.#full = true;
      this.#connection?.pause();
      return;
    }
    if (!this.#ended || this.#sink === undefined) return;
    this.#sink = undefined;
    if (this.#failure !== undefined) sink.fail(this.#failure);
    else this.#tellEnd(sink);
  }

  /** Whatever breaks in a sink ends its call, never the process: this runs on the connection's stack, or on nobody's. */
  #push(sink: Sink<Buffer>): boolean {
    try {
      return sink.push(this.#merged());
    } catch (cause) {
      this.abort(cause as Error);
      this.#sink = undefined;
      sink.fail(cause as Error);
      return false;
    }
  }

  #tellEnd(sink: Sink<Buffer>): void {
    try {
      sink.end();
    } catch (cause) {
      sink.fail(cause as Error);
    }
  }

  #merged(): Buffer {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#held = 0;
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }
}

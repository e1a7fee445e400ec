import {
  type Dialect,
  type FlatHeaders,
  type Flow,
  GatewayError,
  isGatewayError,
  type Sink,
} from '../plugin-sdk/index.ts';
import type { Client } from './client/client.ts';
import type { LiveExchange } from './exchange.ts';
import type { Runtime } from './execute/context.ts';
import { KeepAlive } from './keep-alive.ts';
import { isInsideEvent } from './torn-events.ts';

/** What is poured, and how. */
export interface Pouring<T> {
  readonly status: number;
  readonly headers: FlatHeaders;
  readonly flow: Flow<T>;
  readonly encode: (item: T) => Buffer | string | Uint8Array;
  /** Of a stream of events; undefined for bytes, which have no place for an error or a comment. */
  readonly dialect: Dialect | undefined;
  readonly trailers?: (() => FlatHeaders) | undefined;
}

/**
 * Lets a flow run to the client, with backpressure, keep-alive comments, and an error event if it breaks. Rejects if it breaks
 * before anything of it could be written: then the client can be told otherwise.
 */
export function pour<T>(
  exchange: LiveExchange,
  pouring: Pouring<T>,
  client: Client,
  runtime: Runtime,
): Promise<GatewayError | undefined> {
  return new Promise((resolve, reject) => new Pour(exchange, pouring, client, runtime, resolve, reject).start());
}

/** One flow on its way to its client. An object rather than closures: thousands of streams are open at a time. */
class Pour<T> implements Sink<T> {
  readonly #exchange: LiveExchange;
  readonly #pouring: Pouring<T>;
  readonly #client: Client;
  readonly #keepAlive: KeepAlive | undefined;
  readonly #resolve: (error?: GatewayError) => void;
  readonly #reject: (cause: unknown) => void;
  readonly #unlisten: () => void;
  #begun = false;
  #over = false;

  constructor(
    exchange: LiveExchange,
    pouring: Pouring<T>,
    client: Client,
    runtime: Runtime,
    resolve: (error?: GatewayError) => void,
    reject: (cause: unknown) => void,
  ) {
    this.#exchange = exchange;
    this.#pouring = pouring;
    this.#client = client;
    this.#resolve = resolve;
    this.#reject = reject;
    const mayComment = pouring.dialect?.framing === 'sse' && exchange.route.passthrough !== true;
    if (mayComment) this.#keepAlive = new KeepAlive(runtime.keepAliveCommentMs, client);
    this.#unlisten = exchange.onClientGone(() => this.#leave());
  }

  start(): void {
    const { flow } = this.#pouring;
    const client = this.#client;
    client.source = flow;
    try {
      flow.start(this);
      if (!this.#over && !this.#begun) this.#begin();
    } catch (cause) {
      flow.abort(cause as Error);
      this.fail(cause);
    }
    if (this.#over) return;
    // What was there went out together with the head; a head alone need not wait for what comes.
    if (client.bytesOut === 0) client.flushHead();
  }

  push(item: T): boolean {
    if (this.#over) return false;
    try {
      const bytes = this.#pouring.encode(item);
      if (bytes.length === 0) return true;
      this.#exchange.chunks += 1;
      this.#keepAlive?.touch();
      if (!this.#begun) this.#begin();
      return this.#client.write(typeof bytes === 'string' || Buffer.isBuffer(bytes) ? bytes : asBuffer(bytes));
    } catch (cause) {
      this.#pouring.flow.abort(cause as Error);
      this.fail(cause);
      return false;
    }
  }

  end(): void {
    if (this.#over) return;
    if (!this.#begun) this.#begin();
    this.#client.end(undefined, this.#pouring.trailers?.());
    this.#finish();
  }

  fail(cause: unknown): void {
    if (this.#over) return;
    if (!this.#begun) {
      this.#close();
      this.#reject(cause);
      return;
    }
    const { dialect } = this.#pouring;
    const error = isGatewayError(cause)
      ? cause
      : new GatewayError('BUG', { reason: (cause as Error).message }, { cause });
    // Bytes without events, or half an event, have no place for an error: a cut connection is the only honest end.
    if (dialect === undefined || isInsideEvent(error)) this.#client.cut();
    else this.#client.end(Buffer.from(dialect.encodeStreamError(error, this.#exchange.id)));
    this.#finish(error);
  }

  #leave(): void {
    const gone = new GatewayError('CLIENT_GONE', {});
    this.#pouring.flow.abort(gone);
    // It may be there still and only have stopped reading.
    this.#client.cut();
    this.#finish(gone);
  }

  /** The head goes out with the first bytes, or without any once the flow runs. */
  #begin(): void {
    const { status, headers } = this.#pouring;
    this.#client.writeHead(status, headers);
    this.#begun = true;
  }

  #finish(error?: GatewayError): void {
    this.#close();
    this.#resolve(error);
  }

  #close(): void {
    this.#over = true;
    this.#keepAlive?.stop();
    this.#unlisten();
    this.#client.source = undefined;
  }
}

/** Of plugins that make bytes with what the web has. */
function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

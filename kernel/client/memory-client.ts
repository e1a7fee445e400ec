import {
  type Body,
  BytesBody,
  type FlatHeaders,
  GatewayError,
  noBody,
  type RequestHeaders,
  type Sink,
} from '../../plugin-sdk/index.ts';
import type { BodyLimits, Client } from './client.ts';

export interface MemoryRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: FlatHeaders;
  readonly body: Buffer | undefined;
  readonly address?: string;
}

/**
 * A caller inside this process: an embedding program's `fetch`, or a plugin's own request. The reply's bytes go into a
 * sink; `head` is told first.
 */
export class MemoryClient implements Client {
  readonly method: string;
  readonly url: string;
  readonly headers: FlatHeaders;
  readonly address: string;
  readonly #body: Buffer | undefined;
  readonly #onHead: (status: number, headers: FlatHeaders) => void;
  readonly #sink: Sink<Buffer>;
  onGone: (() => void) | undefined = undefined;
  source: { resume(): void } | undefined = undefined;
  headSent = false;
  bytesOut = 0;

  constructor(request: MemoryRequest, onHead: (status: number, headers: FlatHeaders) => void, sink: Sink<Buffer>) {
    this.method = request.method;
    this.url = request.url;
    this.headers = request.headers;
    this.address = request.address ?? '';
    this.#body = request.body;
    this.#onHead = onHead;
    this.#sink = sink;
  }

  readBody(headers: RequestHeaders, limits: BodyLimits): Body {
    const body = this.#body;
    if (body === undefined || body.length === 0) return noBody;
    if (body.length > limits.bodyBytes) throw new GatewayError('REQ_TOO_LARGE', { limit: limits.bodyBytes });
    return new BytesBody(body, headers.get('content-type'), undefined, limits.jsonDepth);
  }

  writeHead(status: number, headers: FlatHeaders): void {
    this.headSent = true;
    this.#onHead(status, headers);
  }

  write(chunk: Buffer | string): boolean {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    this.bytesOut += bytes.length;
    return this.#sink.push(bytes);
  }

  end(chunk: Buffer | string | undefined): void {
    if (chunk !== undefined && chunk.length > 0) this.write(chunk);
    this.#sink.end();
  }

  cut(): void {
    this.#sink.fail(new GatewayError('UP_STREAM_CUT', { provider: 'the provider' }));
  }

  flushHead(): void {}

  /** The reader took what was pushed. */
  drained(): void {
    this.source?.resume();
  }

  /** The reader wants no more. */
  leave(): void {
    this.onGone?.();
  }
}

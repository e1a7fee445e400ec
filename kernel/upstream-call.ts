import type { Dispatcher } from 'undici';
import type { FlatHeaders, Sink } from '../plugin-sdk/index.ts';
import { noteRead } from './buffer-garbage.ts';
import { brokeOlderConnection } from './connections.ts';
import { upstreamError } from './upstream-error.ts';
import type { UpstreamReply } from './upstream-reply.ts';

const holdBytes = 65_536;

/** undici's view of one call, turned into a promise of the head and a flow of the body. */
export class UpstreamCall implements Dispatcher.DispatchHandler, UpstreamReply {
  status = 0;
  headers: FlatHeaders = [];
  trailers: FlatHeaders = [];
  onRead: (() => void) | undefined = undefined;
  /** Called for every piece of the request's body that went out. */
  onSent: (() => void) | undefined = undefined;
  readonly #provider: string;
  readonly #resolve: (reply: UpstreamReply) => void;
  readonly #reject: (error: Error) => void;
  readonly #startedAt = performance.now();
  #again: (() => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined = undefined;
  #sink: Sink<Buffer> | undefined = undefined;
  #chunks: Buffer[] = [];
  #held = 0;
  #scheduled = false;
  #full = false;
  #ended = false;
  /** A byte of the answer has come, maybe less than a head. */
  #answered = false;
  #failure: Error | undefined = undefined;
  #aborted: Error | undefined = undefined;

  constructor(
    provider: string,
    resolve: (reply: UpstreamReply) => void,
    reject: (error: Error) => void,
    again: (() => void) | undefined,
  ) {
    this.#provider = provider;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#again = again;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted !== undefined) controller.abort(this.#aborted);
  }

  onBodySent(): void {
    this.onSent?.();
  }

  onResponseStarted(): void {
    this.#answered = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    this.status = status;
    this.headers = textOf((controller as unknown as { rawHeaders: (Buffer | string)[] }).rawHeaders);
    this.#resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.onRead?.();
    noteRead(chunk.length);
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    if (this.#sink === undefined || this.#full) {
      if (this.#held > holdBytes) controller.pause();
      return;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#deliver);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const raw = (controller as unknown as { rawTrailers?: (Buffer | string)[] | null }).rawTrailers;
    if (raw != null && raw.length > 0) this.trailers = textOf(raw);
    this.#ended = true;
    this.#deliver();
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    const again = this.#again;
    if (
      again !== undefined &&
      !this.#answered &&
      this.#aborted === undefined &&
      brokeOlderConnection(cause, this.#startedAt)
    ) {
      this.#again = undefined;
      this.#controller = undefined;
      again();
      return;
    }
    const error = this.#aborted ?? upstreamError(this.#provider, cause, this.status > 0);
    if (this.status === 0) {
      this.#reject(error);
      return;
    }
    if (this.#ended) return;
    this.#failure = error;
    this.#ended = true;
    this.#deliver();
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
    if (!this.#full) this.#controller?.resume();
  }

  abort(reason: Error): void {
    if (this.#aborted !== undefined || this.#ended) return;
    this.#aborted = reason;
    this.#sink = undefined;
    this.#chunks = [];
    this.#controller?.abort(reason);
    if (this.#controller === undefined) this.#reject(reason);
  }

  cut(error: Error): void {
    if (this.#aborted !== undefined || this.#ended) return;
    this.#aborted = error;
    this.#failure = error;
    this.#ended = true;
    this.#controller?.abort(error);
    this.#deliver();
  }

  takeWhole(): Buffer | undefined {
    if (!this.#ended || this.#failure !== undefined) return undefined;
    return this.#merged();
  }

  #deliver = (): void => {
    this.#scheduled = false;
    const sink = this.#sink;
    if (sink === undefined || this.#full) return;
    if (this.#held > 0 && !this.#push(sink)) {
      this.#full = true;
      this.#controller?.pause();
      return;
    }
    if (!this.#ended || this.#sink === undefined) return;
    this.#sink = undefined;
    if (this.#failure !== undefined) sink.fail(this.#failure);
    else sink.end();
  };

  /** Whatever breaks in a sink ends its call, never the process: this runs on undici's stack, or on nobody's. */
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

  #merged(): Buffer {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#held = 0;
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }
}

function textOf(raw: readonly (Buffer | string)[]): FlatHeaders {
  const headers: FlatHeaders = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toString('latin1');
    // It announces what follows a chunked body; the reply may go on in one piece, beside which it is not allowed.
    if (name.length === 7 && name.toLowerCase() === 'trailer') continue;
    headers.push(name, raw[i + 1]!.toString('latin1'));
  }
  return headers;
}

import type { Flow, GatewayError, Sink } from '../../plugin-sdk/index.ts';
import type { Upstream } from './upstream.ts';

/**
 * Holds back the start of a stream until its first content, bounded in time and size, so that an error which comes late
 * (after `200`, after a role-only chunk, after `response.created`) can still fail over unseen.
 *
 * `decided` is called once: without an error when the stream may be shown, with one when this attempt has failed.
 */
export class HeldStart<T> implements Flow<T> {
  readonly #upstream: Upstream;
  readonly #limit: number;
  readonly #decided: (error?: GatewayError) => void;
  readonly #timer: NodeJS.Timeout | undefined;
  #phase: 'holding' | 'committed' | 'flowing' | 'over' = 'holding';
  #held: T[] = [];
  #size = 0;
  #end: 'open' | 'ended' | GatewayError = 'open';
  #sink: Sink<T> | undefined = undefined;

  constructor(
    upstream: Upstream,
    holdBack: { readonly ms: number; readonly bytes: number },
    decided: (error?: GatewayError) => void,
  ) {
    this.#upstream = upstream;
    this.#limit = holdBack.bytes;
    this.#decided = decided;
    if (holdBack.ms > 0) this.#timer = setTimeout(() => this.commit(), holdBack.ms);
  }

  get holding(): boolean {
    return this.#phase === 'holding';
  }

  /** Passes an item of `size` bytes on, or holds it. False asks the source to pause. */
  push(item: T, size: number): boolean {
    if (this.#sink !== undefined) return this.#sink.push(item);
    if (this.#phase === 'over') return false;
    this.#held.push(item);
    this.#size += size;
    if (this.#size <= this.#limit) return true;
    this.commit();
    return false;
  }

  /** The stream has content: from now on the client sees it. */
  commit(): void {
    if (this.#phase !== 'holding') return;
    this.#phase = 'committed';
    clearTimeout(this.#timer);
    this.#upstream.arrived();
    this.#decided();
  }

  /** The stream is over, well or with an error. */
  finish(error?: GatewayError): void {
    if (this.#end !== 'open') return;
    this.#end = error ?? 'ended';
    clearTimeout(this.#timer);
    this.#upstream.done();
    // A source that is not at its end would wait for its reader for ever.
    if (error !== undefined) this.#upstream.reply.abort(error);
    if (this.#phase === 'flowing') this.#tell();
    else if (this.#phase === 'holding') {
      this.#phase = error === undefined ? 'committed' : 'over';
      this.#decided(error);
    }
  }

  start(sink: Sink<T>): void {
    this.#phase = 'flowing';
    this.#sink = sink;
    const held = this.#held;
    const wasFull = this.#size > this.#limit;
    this.#held = [];
    let ready = true;
    for (const item of held) ready = sink.push(item);
    if (this.#end !== 'open') this.#tell();
    else if (wasFull && ready) this.#upstream.reply.resume();
  }

  resume(): void {
    this.#upstream.reply.resume();
  }

  abort(reason: Error): void {
    clearTimeout(this.#timer);
    this.#phase = 'over';
    this.#sink = undefined;
    this.#upstream.done();
    this.#upstream.reply.abort(reason);
  }

  #tell(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#phase = 'over';
    if (this.#end === 'ended') sink?.end();
    else sink?.fail(this.#end as GatewayError);
  }
}

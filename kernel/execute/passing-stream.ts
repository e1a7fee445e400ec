import type { GatewayError, Sink } from '../../plugin-sdk/index.ts';
import { EventBoundary } from '../framing/boundary.ts';
import type { PassingMeter } from '../meter/passing-meter.ts';
import { markInsideEvent } from '../torn-events.ts';
import type { HeldStart } from './held-start.ts';

/**
 * A provider's body on its way through, unchanged: a meter reads along. A stream of events is passed on in whole events,
 * so that an error of the gateway's own never lands inside one; where an event is too large for that, the error says so.
 */
export class PassingStream implements Sink<Buffer> {
  readonly #out: HeldStart<Buffer>;
  readonly #meter: PassingMeter | undefined;
  readonly #boundary: EventBoundary | undefined;
  /** Told about what the meter still reads when the body is over. */
  readonly #onEnd: (reading: Promise<void>) => void;

  constructor(
    out: HeldStart<Buffer>,
    meter: PassingMeter | undefined,
    inEvents: boolean,
    onEnd: (reading: Promise<void>) => void,
  ) {
    this.#out = out;
    this.#meter = meter;
    this.#boundary = inEvents ? new EventBoundary() : undefined;
    this.#onEnd = onEnd;
    if (meter === undefined) return;
    const onDrain = (): void => out.resume();
    meter.onDrain = onDrain;
  }

  push(chunk: Buffer): boolean {
    const ready = this.#boundary === undefined ? chunk : this.#boundary.push(chunk);
    return ready === undefined || this.#pass(ready);
  }

  end(): void {
    const tail = this.#boundary?.tail();
    if (tail !== undefined && tail.length > 0) this.#pass(tail);
    this.#closeMeter();
    this.#out.finish();
  }

  fail(error: Error): void {
    this.#closeMeter();
    const isTorn = this.#boundary?.torn === true;
    if (isTorn) markInsideEvent(error);
    this.#out.finish(this.#meter?.complete === true && !isTorn ? undefined : (error as GatewayError));
  }

  #pass(bytes: Buffer): boolean {
    const taken = this.#meter?.push(bytes) ?? true;
    return this.#out.push(bytes, bytes.length) && taken;
  }

  #closeMeter(): void {
    const reading = this.#meter?.end();
    if (reading !== undefined) this.#onEnd(reading);
  }
}

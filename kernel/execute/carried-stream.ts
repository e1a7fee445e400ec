import {
  type DialectMeter,
  type EventReading,
  type FramedEvent,
  GatewayError,
  type Sink,
  type Usage,
} from '../../plugin-sdk/index.ts';
import { searchFor } from '../../plugin-sdk/json-bytes/index.ts';
import { EventBoundary } from '../framing/boundary.ts';
import { createFramer } from '../framing/create-framer.ts';
import { eventEnd, eventStart } from '../framing/event-search.ts';
import { defaultMaxEventBytes, type Framer } from '../framing/framer.ts';
import { streamProblem } from '../provider-problem.ts';
import type { HeldStart } from './held-start.ts';

export interface CarriedStreamOptions {
  readonly provider: string;
  readonly meter: DialectMeter;
  /** The provider's bytes are passed on whatever they are: a stream without its terminator is no error then. */
  readonly passthrough: boolean;
  onUsage(usage: Usage): void;
  onFinish(finish: string): void;
  /** The provider's own error event: the client has it, or gets another attempt's answer instead. */
  onProblem(problem: GatewayError): void;
}

/**
 * A provider's event stream on its way to a client that speaks the same dialect: the same bytes, cut only between events,
 * so that nothing of the gateway's own ever lands inside one. A meter reads along; once the stream has content it reads
 * only the events that may hold usage, a finish or an error.
 */
export class CarriedStream implements Sink<Buffer> {
  readonly #options: CarriedStreamOptions;
  readonly #out: HeldStart<Buffer>;
  readonly #boundary = new EventBoundary();
  readonly #framer: Framer;
  readonly #read: (event: FramedEvent) => EventReading;
  /** The dialect's own end was seen, be it success or an error event. */
  #complete = false;
  #failure: GatewayError | undefined = undefined;

  constructor(out: HeldStart<Buffer>, options: CarriedStreamOptions) {
    this.#out = out;
    this.#options = options;
    this.#framer = createFramer('sse', { provider: options.provider });
    this.#read = options.meter.stream();
  }

  push(chunk: Buffer): boolean {
    const whole = this.#boundary.push(chunk);
    if (whole === undefined) return true;
    if (this.#boundary.torn) {
      this.#out.finish(
        new GatewayError('UP_EVENT_TOO_LARGE', { provider: this.#options.provider, limit: defaultMaxEventBytes }),
      );
      return false;
    }
    const holding = this.#out.holding;
    const content = this.#readEvents(whole, holding);
    if (holding && !content && this.#failure !== undefined) {
      this.#out.finish(this.#failure);
      return false;
    }
    const ready = this.#out.push(whole, whole.length);
    if (content) this.#out.commit();
    return ready;
  }

  end(): void {
    const tail = this.#boundary.tail();
    if (tail.length > 0) {
      this.#framer.push(tail, (event) => void this.#learn(this.#read(event)));
      this.#framer.end((event) => void this.#learn(this.#read(event)));
      if (this.#complete || this.#mayEndAnywhere) this.#out.push(tail, tail.length);
    }
    const { provider } = this.#options;
    this.#out.finish(
      this.#complete || this.#mayEndAnywhere ? undefined : new GatewayError('UP_STREAM_CUT', { provider }),
    );
  }

  fail(error: Error): void {
    this.#out.finish(this.#complete ? undefined : (error as GatewayError));
  }

  get #mayEndAnywhere(): boolean {
    return this.#options.passthrough || this.#options.meter.terminator === undefined;
  }

  /** Takes in what one event says; true when it is content. */
  #learn(reading: EventReading): boolean {
    if (reading.usage !== undefined) this.#options.onUsage(reading.usage);
    if (reading.finish !== undefined) {
      this.#options.onFinish(reading.finish);
      this.#complete = true;
    }
    if (reading.kind === 'done') this.#complete = true;
    if (reading.kind === 'error') {
      // An error event in the provider's own words ends the stream as properly as its terminator does.
      this.#complete = true;
      this.#failure = streamProblem(reading);
      this.#options.onProblem(this.#failure);
    }
    return reading.kind === 'content' || reading.kind === 'done';
  }

  /**
   * Reads every event up to the first content if the stream is held until then, and of the others those that may tell
   * something. True when there was content while it was held.
   */
  #readEvents(whole: Buffer, holding: boolean): boolean {
    const { needles } = this.#options.meter;
    if (needles === undefined) return this.#readAll(whole) && holding;
    const text = whole.toString('latin1');
    let at = 0;
    let content = false;
    while (holding && !content && at < whole.length) {
      const end = eventEnd(text, at);
      content = this.#readAll(whole.subarray(at, end));
      at = end;
    }
    const search = searchFor(needles);
    const found = (at === 0 ? text : text.slice(at)).search(search);
    if (found === -1) return content;
    this.#framer.push(whole.subarray(Math.max(at, eventStart(text, at + found))), (event) => {
      if (event.name === 'error' || search.test(event.data)) this.#learn(this.#read(event));
    });
    return content;
  }

  #readAll(bytes: Buffer): boolean {
    let content = false;
    this.#framer.push(bytes, (event) => {
      if (this.#learn(this.#read(event))) content = true;
    });
    return content;
  }
}

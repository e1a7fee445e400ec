import type { Dialect, EventReading, FramedEvent, GatewayError, Usage } from '../../plugin-sdk/index.ts';
import { searchFor } from '../../plugin-sdk/json-bytes/index.ts';
import { createFramer } from '../framing/create-framer.ts';
import type { Framer } from '../framing/framer.ts';
import { streamProblem } from '../provider-problem.ts';

/** What a meter tells as it learns it. */
export interface Notes {
  onUsage(usage: Usage): void;
  onFinish(finish: string): void;
  /** The stream holds an error event of the provider. */
  onProblem(problem: GatewayError): void;
}

/** Reads a body that passes by: its bytes in plain form, in order. */
export interface Reader {
  push(chunk: Buffer): void;
  end(): void;
  /** The format's own end was seen: nothing is missing, whatever happens to the connection. */
  readonly complete: boolean;
}

/** Reads the events of a stream. What cannot be read ends the reading, never the stream. */
export class EventReader implements Reader {
  complete = false;
  readonly #framer: Framer;
  readonly #read: (event: FramedEvent) => EventReading;
  readonly #search: RegExp | undefined;
  readonly #notes: Notes;
  #broken = false;

  /** `aligned`: chunks end where events end, so that one without anything to tell need not be cut into events. */
  constructor(dialect: Dialect, provider: string, notes: Notes, aligned: boolean) {
    this.#framer = createFramer('sse', { provider });
    this.#read = dialect.meter.stream();
    const { needles } = dialect.meter;
    this.#search = aligned && needles !== undefined ? searchFor(needles) : undefined;
    this.#notes = notes;
  }

  push(chunk: Buffer): void {
    if (this.#search?.test(chunk.toString('latin1')) === false) return;
    this.#attempt(() => this.#framer.push(chunk, this.#learn));
  }

  end(): void {
    this.#attempt(() => this.#framer.end(this.#learn));
  }

  #attempt(step: () => void): void {
    if (this.#broken) return;
    try {
      step();
    } catch {
      this.#broken = true;
    }
  }

  #learn = (event: FramedEvent): void => {
    const reading = this.#read(event);
    const { usage, finish, kind } = reading;
    if (usage !== undefined) this.#notes.onUsage(usage);
    if (finish !== undefined) this.#notes.onFinish(finish);
    if (kind === 'error') this.#notes.onProblem(streamProblem(reading));
    if (kind === 'done' || kind === 'error') this.complete = true;
  };
}

const headBytes = 16_384;
const tailBytes = 262_144;
/** Bodies up to this size are kept whole; of larger ones the head and the tail, where formats put their usage. */
const wholeBytes = 1_048_576;

/** Keeps a bounded copy of a JSON body and reads it at its end. */
export class JsonReader implements Reader {
  readonly complete = false;
  readonly #dialect: Dialect;
  readonly #notes: Notes;
  #head: Buffer | undefined = undefined;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(dialect: Dialect, notes: Notes) {
    this.#dialect = dialect;
    this.#notes = notes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#head === undefined) {
      if (this.#size <= wholeBytes) return;
      this.#head = Buffer.concat(this.#chunks, headBytes);
    }
    while (this.#size - this.#chunks[0]!.length >= tailBytes) this.#size -= this.#chunks.shift()!.length;
  }

  end(): void {
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [];
    try {
      const { usage, finish } = this.#dialect.meter.json(bytes);
      const found = usage ?? (this.#head === undefined ? undefined : this.#dialect.meter.json(this.#head).usage);
      if (found !== undefined) this.#notes.onUsage(found);
      if (finish !== undefined) this.#notes.onFinish(finish);
    } catch {
      // A body that is not what it says it is has no usage to tell.
    }
  }
}

import type { AnswerFilter } from '../../plugin-sdk/dialects/answer-filter.ts';
import {
  type AnswerEvent,
  type Conversation,
  type Dialect,
  type EventReading,
  type FramedEvent,
  GatewayError,
  isGatewayError,
  type Sink,
  type StreamDecoder,
  type Usage,
} from '../../plugin-sdk/index.ts';
import { createFramer } from '../framing/create-framer.ts';
import type { Framer } from '../framing/framer.ts';
import type { HeldStart } from './held-start.ts';

export interface TranslatedStreamOptions {
  readonly provider: string;
  readonly dialect: Dialect;
  /** What was asked, for names that the encoder had to change. */
  readonly conversation: Conversation;
  /** What changes the answer on its way, first to last. */
  readonly filters: readonly AnswerFilter[];
  /** Sees every event on its way, for usage and finish. */
  watch(event: AnswerEvent): void;
  /** What the start of the stream says of usage: decoders tell it at the end, which a stream that is left never sees. */
  onEarlyUsage(usage: Usage): void;
}

/** Events that do not yet show the client anything: until another comes, a failed attempt stays unseen. */
const preamble = new Set<AnswerEvent['type']>(['start', 'block-start', 'usage', 'native']);

/** A provider's stream read as typed events: bytes in, {@link AnswerEvent}s out. */
export class TranslatedStream implements Sink<Buffer> {
  readonly #options: TranslatedStreamOptions;
  readonly #out: HeldStart<AnswerEvent>;
  readonly #framer: Framer;
  readonly #decoder: StreamDecoder;
  readonly #filtered: (event: AnswerEvent) => void;
  readonly #meter: (event: FramedEvent) => EventReading;
  #ready = true;
  #over = false;

  constructor(out: HeldStart<AnswerEvent>, options: TranslatedStreamOptions) {
    this.#out = out;
    this.#options = options;
    this.#framer = createFramer(options.dialect.framing, { provider: options.provider });
    this.#decoder = options.dialect.chat!.decodeStream(options.conversation);
    this.#filtered = options.filters.reduceRight((emit, filter) => filter.stream(emit), this.#pass);
    this.#meter = options.dialect.meter.stream();
  }

  push(chunk: Buffer): boolean {
    if (this.#over) return false;
    this.#ready = true;
    try {
      this.#framer.push(chunk, this.#decode);
    } catch (cause) {
      this.#fail(cause);
    }
    return this.#ready;
  }

  end(): void {
    if (this.#over) return;
    try {
      this.#framer.end(this.#decode);
      this.#decoder.end(this.#emit);
      this.#over = true;
      this.#out.finish();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  fail(error: Error): void {
    this.#fail(error);
  }

  #decode = (event: FramedEvent): void => {
    if (this.#out.holding) {
      const { usage } = this.#meter(event);
      if (usage !== undefined) this.#options.onEarlyUsage(usage);
    }
    this.#decoder.event(event, this.#emit);
  };

  #emit = (event: AnswerEvent): void => {
    this.#options.watch(event);
    this.#filtered(event);
  };

  #pass = (event: AnswerEvent): void => {
    this.#ready = this.#out.push(event, 64 + ('text' in event ? event.text.length : 0));
    if (this.#out.holding && !preamble.has(event.type)) this.#out.commit();
  };

  #fail(cause: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const { provider } = this.#options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#out.finish(isGatewayError(cause) ? cause : new GatewayError('UP_BAD_BODY', { provider, reason }, { cause }));
  }
}

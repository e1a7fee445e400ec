import type { AnswerEvent, StreamTransform } from '../../plugin-sdk/index.ts';
import type { CachedContent } from '../../plugin-sdk/ports/cache.ts';

/** About what an event takes beside its text, in bytes. */
const eventBytes = 70;

/** Keeps a stream as it goes by, up to a size; what has not ended properly is nothing. */
export class StreamCollector implements StreamTransform {
  readonly observes = 'source';
  readonly #startedAt: number;
  readonly #maxBytes: number;
  readonly #onEnd: (content: CachedContent | undefined) => void;
  #events: AnswerEvent[] = [];
  #times: number[] = [];
  #bytes = 0;

  /** `onEnd` is called at the stream's proper end, without content when it was too large. */
  constructor(startedAt: number, maxBytes: number, onEnd: (content: CachedContent | undefined) => void) {
    this.#startedAt = startedAt;
    this.#maxBytes = maxBytes;
    this.#onEnd = onEnd;
  }

  event(event: AnswerEvent): void {
    if (this.#bytes <= this.#maxBytes) this.#keep(event);
    if (event.type !== 'end') return;
    const fits = this.#bytes <= this.#maxBytes;
    this.#onEnd(fits ? { type: 'events', events: this.#events, times: this.#times } : undefined);
  }

  #keep(event: AnswerEvent): void {
    this.#events.push(event);
    this.#times.push(Math.round(performance.now() - this.#startedAt));
    this.#bytes += eventBytes + sizeOf(event);
    if (this.#bytes > this.#maxBytes) this.#events = this.#times = [];
  }
}

function sizeOf(event: AnswerEvent): number {
  if ('text' in event) return event.text.length;
  return event.type === 'end' || event.type === 'block-end' ? 0 : JSON.stringify(event).length;
}

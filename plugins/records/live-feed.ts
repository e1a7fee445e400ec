import type { Clock } from '../../plugin-sdk/index.ts';
import type { Records } from '../../plugin-sdk/ports/records.ts';
import { shownRecord } from './shown.ts';

const pollMs = 400;
const keepAliveMs = 15_000;
const recordsPerPoll = 200;
/** Each listener costs a look at the store every so often. */
const maxListeners = 50;

/** Records as they are stored, by every process, to whoever listens: server-sent events, resumable by `Last-Event-ID`. */
export class LiveFeed {
  readonly #store: Records;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();

  constructor(store: Records, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** `undefined` when too many listen already. */
  open(lastEventId: string | undefined): Response | undefined {
    if (this.#listeners.size >= maxListeners) return undefined;
    let stop: () => void = () => undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        stop = this.#listen(controller, lastEventId);
      },
      cancel: () => stop(),
    });
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
    return new Response(body, { headers });
  }

  close(): void {
    for (const stop of this.#listeners) stop();
  }

  #listen(controller: ReadableStreamDefaultController<Uint8Array>, lastEventId: string | undefined): () => void {
    const encoder = new TextEncoder();
    let position = lastEventId !== undefined && /^\d+$/.test(lastEventId) ? Number(lastEventId) : undefined;
    let sentAt = this.#clock.monotonic();
    let stopTimer: () => void = () => undefined;
    let stopped = false;
    const stop = (): void => {
      if (stopped) return;
      stopped = true;
      stopTimer();
      this.#listeners.delete(stop);
      try {
        controller.close();
      } catch {
        // The listener had left: its stream is closed already.
      }
    };
    const send = (text: string): void => {
      controller.enqueue(encoder.encode(text));
      sentAt = this.#clock.monotonic();
    };
    const poll = async (): Promise<void> => {
      try {
        // A listener that reads slower than records come is not sent more until it catches up.
        if (position === undefined || (controller.desiredSize ?? 0) > 0) {
          const { records, position: next } = await this.#store.follow(position, recordsPerPoll);
          if (stopped) return;
          position = next;
          const data = records
            .map((record) => `event: record\ndata: ${JSON.stringify(shownRecord(record))}\n\n`)
            .join('');
          if (data !== '') send(`${data}id: ${next}\n\n`);
          else if (this.#clock.monotonic() - sentAt > keepAliveMs) send(': still here\n\n');
        }
        if (!stopped) stopTimer = this.#clock.after(pollMs, () => void poll());
      } catch {
        stop();
      }
    };
    this.#listeners.add(stop);
    send(': listening\n\n');
    void poll();
    return stop;
  }
}

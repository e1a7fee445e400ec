import type { AnswerEvent, Clock, Flow, Sink } from '../../plugin-sdk/index.ts';

/** Recorded events with the time between them; a reader that is slower sets the pace. */
export class TimedEvents implements Flow<AnswerEvent> {
  readonly #events: readonly AnswerEvent[];
  readonly #times: readonly number[];
  readonly #clock: Clock;
  #sink: Sink<AnswerEvent> | undefined = undefined;
  #next = 0;
  #paused = false;
  #cancel: (() => void) | undefined = undefined;

  constructor(events: readonly AnswerEvent[], times: readonly number[], clock: Clock) {
    this.#events = events;
    this.#times = times;
    this.#clock = clock;
  }

  start(sink: Sink<AnswerEvent>): void {
    this.#sink = sink;
    this.#run();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#run();
  }

  abort(): void {
    this.#sink = undefined;
    this.#cancel?.();
  }

  #run(): void {
    while (this.#sink !== undefined && !this.#paused) {
      const event = this.#events[this.#next];
      if (event === undefined) {
        const sink = this.#sink;
        this.#sink = undefined;
        sink.end();
        return;
      }
      const before = this.#times[this.#next - 1] ?? 0;
      const wait = (this.#times[this.#next] ?? before) - before;
      this.#next += 1;
      if (wait > 0) {
        this.#cancel = this.#clock.after(wait, () => {
          this.#push(event);
          this.#run();
        });
        return;
      }
      this.#push(event);
    }
  }

  #push(event: AnswerEvent): void {
    this.#paused = this.#sink?.push(event) === false;
  }
}

import type { Clock, Flow, Sink } from '../../plugin-sdk/index.ts';

/** One item and the milliseconds to wait before it. */
export interface Step<T> {
  readonly item: T;
  readonly afterMs: number;
}

/** A flow that takes its time: real timers between its items, none left when nobody reads any more. */
export class TimedFlow<T> implements Flow<T> {
  readonly #steps: readonly Step<T>[];
  readonly #clock: Clock;
  readonly #failure: Error | undefined;
  #sink: Sink<T> | undefined = undefined;
  #next = 0;
  #isPaused = false;
  #cancel: (() => void) | undefined = undefined;

  /** With a `failure` the flow breaks after its last item. */
  constructor(steps: readonly Step<T>[], clock: Clock, failure?: Error) {
    this.#steps = steps;
    this.#clock = clock;
    this.#failure = failure;
  }

  start(sink: Sink<T>): void {
    this.#sink = sink;
    this.#wait();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wait();
  }

  abort(): void {
    this.#sink = undefined;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    while (this.#sink !== undefined && !this.#isPaused) {
      const step = this.#steps[this.#next];
      if (step === undefined) {
        this.#end();
        return;
      }
      if (step.afterMs > 0) {
        this.#cancel = this.#clock.after(step.afterMs, () => {
          this.#cancel = undefined;
          this.#give(step.item);
          this.#wait();
        });
        return;
      }
      this.#give(step.item);
    }
  }

  #give(item: T): void {
    this.#next += 1;
    this.#isPaused = this.#sink?.push(item) === false;
  }

  #end(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    if (this.#failure === undefined) sink?.end();
    else sink?.fail(this.#failure);
  }
}

/** One time limit. Made only where a limit applies; `0` milliseconds means none. */
export class Deadline {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, onPassed: () => void) {
    this.#timer = ms > 0 ? setTimeout(onPassed, ms) : undefined;
  }

  /** Starts the time anew. */
  touch(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** What a timer can wait at most, about 24 days; a longer one would go off at once. */
const longestMs = 2_147_483_647;

/** One time limit. Made only where a limit applies; `0` milliseconds means none. */
export class Deadline {
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, onPassed: () => void) {
    this.#timer = ms > 0 ? setTimeout(onPassed, Math.min(ms, longestMs)) : undefined;
  }

  /** Starts the time anew. */
  touch(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

import type { Clock, Logger } from '../../plugin-sdk/index.ts';
import type { ExchangeRecord, RecordQueue, RecordQueueStats, Records } from '../../plugin-sdk/ports/records.ts';

export interface WriteQueueOptions {
  readonly queue: number;
  readonly batch: number;
  readonly flushMs: number;
}

const firstRetryMs = 100;
const longestRetryMs = 5_000;
/** A store that keeps up lets fewer batches than this wait. */
const fewBatches = 8;
/** Records of one write: making their rows takes some five milliseconds, in which nothing else happens. */
const mostAtOnce = 1_000;
/** Time between two complaints about the same trouble. */
const complainEveryMs = 30_000;

/**
 * Takes records off the request path: `add` costs a push. One write runs at a time; one that fails is tried again until
 * it succeeds. When the queue is full the newest records are dropped and counted, so a store that is down costs memory
 * up to the queue's size and no request anything.
 */
export class WriteQueue implements RecordQueue {
  readonly #store: Pick<Records, 'append'>;
  readonly #options: WriteQueueOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Those that will wait for long as JSON: one flat text, where the garbage collector would move some sixty objects. */
  #waiting: (ExchangeRecord | string)[] = [];
  #writing: readonly ExchangeRecord[] = [];
  #written = 0;
  #dropped = 0;
  #failures = 0;
  #stopTimer: (() => void) | undefined;
  #run: Promise<void> | undefined;
  #complainedAt = Number.NEGATIVE_INFINITY;
  #closing = false;

  constructor(store: Pick<Records, 'append'>, options: WriteQueueOptions, clock: Clock, log: Logger) {
    this.#store = store;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  add(record: ExchangeRecord): void {
    if (this.#waiting.length + this.#writing.length >= this.#options.queue) {
      this.#dropped++;
      this.#complain('records are dropped: the store is too slow or down');
      return;
    }
    const waitsLong = this.#waiting.length >= this.#options.batch * fewBatches;
    this.#waiting.push(waitsLong ? JSON.stringify(record) : record);
    if (this.#run !== undefined) return;
    if (this.#isFull) this.#start();
    else this.#stopTimer ??= this.#clock.after(this.#options.flushMs, () => this.#start());
  }

  stats(): RecordQueueStats {
    return {
      queued: this.#waiting.length + this.#writing.length,
      written: this.#written,
      dropped: this.#dropped,
      failures: this.#failures,
    };
  }

  /** Writes what waits, but not for longer than `limitMs`; what is left then is counted as dropped. */
  async close(limitMs: number): Promise<void> {
    this.#closing = true;
    this.#start();
    let stop: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      stop = this.#clock.after(limitMs, resolve);
    });
    await Promise.race([this.#run, late]);
    stop();
    const left = this.#waiting.length + this.#writing.length;
    if (left === 0) return;
    this.#dropped += left;
    this.#waiting = [];
    this.#writing = [];
    this.#log.warn({ records: left }, 'records were lost: the store did not take them in time');
  }

  /** A whole batch waits. */
  get #isFull(): boolean {
    return this.#waiting.length >= this.#options.batch;
  }

  #start(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (this.#run !== undefined || this.#waiting.length === 0) return;
    this.#run = this.#write().finally(() => {
      this.#run = undefined;
      // Refused while closing: counted as lost, and so is what waits behind it.
      if (this.#writing.length > 0) return;
      if (this.#isFull || (this.#closing && this.#waiting.length > 0)) this.#start();
      else if (this.#waiting.length > 0)
        this.#stopTimer ??= this.#clock.after(this.#options.flushMs, () => this.#start());
    });
  }

  /** What waits, and batches that came meanwhile. */
  async #write(): Promise<void> {
    let retryMs = firstRetryMs;
    this.#next();
    while (this.#writing.length > 0) {
      try {
        await this.#store.append(this.#writing);
        this.#written += this.#writing.length;
        this.#writing = [];
        // A few wait for others: a commit, of which the disk is told twice, takes the same time for one.
        if (this.#isFull || this.#closing) this.#next();
        retryMs = firstRetryMs;
      } catch (cause) {
        this.#failures++;
        this.#complain('records cannot be written', cause);
        if (this.#closing) return;
        await new Promise<void>((resolve) => this.#clock.after(retryMs, resolve));
        retryMs = Math.min(longestRetryMs, retryMs * 2);
      }
    }
  }

  /** More at once when more waits: a commit takes the same time for all of them. */
  #next(): void {
    const next = this.#waiting.splice(0, Math.min(mostAtOnce, this.#options.batch * fewBatches));
    this.#writing = next.map((one) => (typeof one === 'string' ? (JSON.parse(one) as ExchangeRecord) : one));
  }

  #complain(message: string, cause?: unknown): void {
    const now = this.#clock.monotonic();
    if (now - this.#complainedAt < complainEveryMs) return;
    this.#complainedAt = now;
    this.#log.warn({ ...this.stats(), ...(cause === undefined ? {} : { err: cause }) }, message);
  }
}

import { GatewayError, type Host } from '../../plugin-sdk/index.ts';

export interface PlaceLimits {
  /** Calls at once. */
  readonly concurrent: number;
  /** Calls that may wait. */
  readonly queue: number;
  /** Milliseconds that a call may wait. */
  readonly queueMs: number;
}

interface Waiter {
  readonly caller: string;
  enter(): void;
}

/** A place, taken or waited for. */
export interface Place {
  /** Absent: taken at once. Rejects with GatewayError LIMIT_QUEUE_TIME. */
  readonly entered: Promise<void> | undefined;
  /** Gives the place back, or leaves the queue. Once is enough; more is harmless. */
  leave(): void;
}

/**
 * A number of places and a queue before them that is fair between callers: whoever waits with one call is not behind a
 * thousand of somebody else.
 */
export class FairQueue {
  readonly #name: string;
  readonly #limits: PlaceLimits;
  readonly #clock: Host['clock'];
  /** Waiting calls by caller; callers take turns in the order of the map. */
  readonly #waiting = new Map<string, Waiter[]>();
  #running = 0;
  #queued = 0;

  constructor(name: string, limits: PlaceLimits, clock: Host['clock']) {
    this.#name = name;
    this.#limits = limits;
    this.#clock = clock;
  }

  get isIdle(): boolean {
    return this.#running === 0 && this.#queued === 0;
  }

  /** Throws GatewayError LIMIT_QUEUE when no place is free and the queue is full, or the call may not wait. */
  enter(caller: string, mayWait: boolean): Place {
    const { concurrent, queue, queueMs } = this.#limits;
    let state: 'running' | 'waiting' | 'left' = 'running';
    const leave = (): void => {
      if (state === 'running') this.#free();
      state = 'left';
    };
    if (this.#running < concurrent) {
      this.#running += 1;
      return { entered: undefined, leave };
    }
    if (!mayWait || this.#queued >= queue) throw new GatewayError('LIMIT_QUEUE', { account: this.#name, limit: queue });
    state = 'waiting';
    let giveUp = (): void => {};
    const entered = new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        caller,
        enter: () => {
          state = 'running';
          cancelTimer();
          resolve();
        },
      };
      giveUp = () => {
        state = 'left';
        cancelTimer();
        this.#remove(waiter);
      };
      const cancelTimer = this.#clock.after(queueMs, () => {
        giveUp();
        reject(new GatewayError('LIMIT_QUEUE_TIME', { account: this.#name, ms: queueMs }));
      });
      this.#add(waiter);
    });
    return { entered, leave: () => (state === 'waiting' ? giveUp() : leave()) };
  }

  #add(waiter: Waiter): void {
    const own = this.#waiting.get(waiter.caller);
    if (own === undefined) this.#waiting.set(waiter.caller, [waiter]);
    else own.push(waiter);
    this.#queued += 1;
  }

  #remove(waiter: Waiter): void {
    const own = this.#waiting.get(waiter.caller);
    const at = own?.indexOf(waiter) ?? -1;
    if (own === undefined || at < 0) return;
    own.splice(at, 1);
    if (own.length === 0) this.#waiting.delete(waiter.caller);
    this.#queued -= 1;
  }

  /** The place goes to the next caller in turn, who then queues up behind the others. */
  #free(): void {
    const next = this.#waiting.entries().next().value;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    const [caller, own] = next;
    const waiter = own.shift()!;
    this.#queued -= 1;
    this.#waiting.delete(caller);
    if (own.length > 0) this.#waiting.set(caller, own);
    waiter.enter();
  }
}

import type { Client } from './client/client.ts';

/** Open streams; one timer for all of them, so that no stream pays for a timer of its own per event. */
const open = new Set<KeepAlive>();
let timer: NodeJS.Timeout | undefined;
const tickMs = 1_000;

/** Sends a comment whenever a stream was silent for a while, so that no proxy on the way takes it for dead. */
export class KeepAlive {
  readonly #silenceMs: number;
  readonly #client: Pick<Client, 'write'>;
  #silentTicks = 0;

  constructor(silenceMs: number, client: Pick<Client, 'write'>) {
    this.#silenceMs = silenceMs;
    this.#client = client;
    if (silenceMs <= 0) return;
    open.add(this);
    timer ??= setInterval(tick, tickMs).unref();
  }

  /** Something was sent. */
  touch(): void {
    this.#silentTicks = 0;
  }

  stop(): void {
    open.delete(this);
    if (open.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  tick(): void {
    this.#silentTicks += 1;
    if (this.#silentTicks * tickMs < this.#silenceMs) return;
    this.#silentTicks = 0;
    this.#client.write(': keep-alive\n\n');
  }
}

function tick(): void {
  for (const stream of open) stream.tick();
}

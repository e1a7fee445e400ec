import type { Exchange, HookStep, Outcome } from '../../plugin-sdk/index.ts';

/** Noting each handler costs a little: beyond so many requests a second it is not done. */
const perSecond = 50;

/** Which plugin took what, of the last requests of this process. Kept in memory: too much for a record of every request. */
export class Timelines {
  readonly #limit: number;
  readonly #kept = new Map<string, readonly HookStep[]>();
  #second = 0;
  #asked = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  ask(exchange: Exchange): void {
    const second = Math.floor(exchange.time / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#asked = 0;
    }
    this.#asked += 1;
    if (this.#asked <= perSecond) exchange.keepTimeline();
  }

  keep({ id }: Exchange, { timeline }: Outcome): void {
    if (timeline === undefined) return;
    this.#kept.set(id, timeline);
    if (this.#kept.size <= this.#limit) return;
    const [oldest] = this.#kept.keys();
    this.#kept.delete(oldest!);
  }

  of(id: string): readonly HookStep[] | undefined {
    return this.#kept.get(id);
  }
}

import type { HookName, HookStep } from '../plugin-sdk/index.ts';

/** When each handler ran and how long it took; kept only for exchanges for which someone asked. */
export class Timeline {
  readonly steps: HookStep[] = [];
  readonly #startedAt: number;

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  /** A handler has just ended. */
  add(plugin: string, hook: HookName, ms: number): void {
    const atMs = performance.now() - ms - this.#startedAt;
    this.steps.push({ plugin, hook, atMs: rounded(atMs), ms: rounded(ms) });
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

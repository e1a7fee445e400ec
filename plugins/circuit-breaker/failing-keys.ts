import type { AttemptRecord, Host } from '../../plugin-sdk/index.ts';

interface Run {
  failures: number;
  /** Milliseconds since 1970. */
  since: number;
}

/**
 * Rests a key whose calls fail one after the other while its provider's other keys work: its account, region or
 * deployment is broken, not the provider. When every key fails, resting them helps nobody.
 */
export class FailingKeys {
  readonly #limit: number;
  readonly #restMs: number;
  readonly #host: Host;
  readonly #runs = new Map<string, Run>();
  /** When a key of a provider last worked. */
  readonly #workedAt = new Map<string, number>();

  constructor(limit: number, restMs: number, host: Host) {
    this.#limit = limit;
    this.#restMs = restMs;
    this.#host = host;
  }

  learn({ provider, key }: AttemptRecord, good: boolean | undefined): void {
    if (this.#limit === 0 || key === undefined || good === undefined) return;
    const state = this.#host.keyHealth.get(provider, key);
    if (state === undefined) return;
    const now = this.#host.clock.now();
    const id = `${provider}/${key}`;
    if (good) {
      this.#runs.delete(id);
      this.#workedAt.set(provider, now);
      return;
    }
    const run = this.#runs.get(id) ?? { failures: 0, since: now };
    run.failures += 1;
    this.#runs.set(id, run);
    const othersWork = (this.#workedAt.get(provider) ?? 0) >= run.since;
    if (run.failures < this.#limit || !othersWork || state.restsUntil > now) return;
    state.restsUntil = now + this.#restMs;
    state.reason = `${run.failures} failures in a row`;
    this.#host.log.warn({ provider, key, failures: run.failures }, 'a key rests after repeated failures');
  }
}

import type { AttemptRecord, Clock, KeyRest, KeyState, Operation } from '../../plugin-sdk/index.ts';
import { type Candidate, wake } from './candidates.ts';
import type { KeyPoolOptions } from './options.ts';

/** Rests of models are dropped beyond this many; clients choose model names. */
const maxModelRests = 200;
/** Weight of the newest call in a key's latency. */
const newest = 0.2;

/** Any caller can make these calls to an endpoint that no usual key may use: a refusal says little about the key. */
const ofEndpoints: ReadonlySet<Operation> = new Set(['passthrough', 'resources', 'files', 'batches', 'models']);

/** Whether the key was refused, or only the endpoint, and a look at the model list must tell. */
export function isDoubtful({ result, error }: AttemptRecord, operation: Operation): boolean {
  return result === 'failed' && error?.code === 'UP_STATUS' && error.status === 401 && ofEndpoints.has(operation);
}

/** What an attempt teaches about its key: whether it rests, for how long, and how fast it is. */
export class Rests {
  readonly #options: KeyPoolOptions;
  readonly #clock: Clock;

  constructor(options: KeyPoolOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Until a key that was refused outright is probed; only that, or a changed config, brings it back. */
  probeDelayMs({ failures }: KeyState): number {
    return this.#grown(this.#options.refusedRestMs, Math.max(1, failures));
  }

  learn(candidate: Candidate, record: AttemptRecord, operation: Operation): void {
    const { state, model } = candidate;
    if (record.result === 'ok') {
      const { firstContentMs } = record;
      if (firstContentMs !== undefined) {
        state.latencyMs =
          state.latencyMs === undefined
            ? firstContentMs
            : state.latencyMs + newest * (firstContentMs - state.latencyMs);
      }
      // A call that began before the rest did says nothing about it.
      if (state.failures > 0 && state.restsUntil <= this.#clock.now()) wake(state);
      const rest = state.modelRests?.get(model);
      if (rest !== undefined && rest.until <= this.#clock.now()) state.modelRests!.delete(model);
      return;
    }
    const { error, retryAfterMs } = record;
    if (record.result !== 'failed' || error === undefined) return;
    const { rateLimitRestMs, refusedRestMs } = this.#options;
    if (error.code === 'UP_AUTH') this.#restKey(candidate, refusedRestMs, undefined, error.message);
    if (error.code !== 'UP_STATUS' && error.code !== 'UP_STREAM_ERROR') return;
    // OpenAI's word for an account without credit, which answers 429 for ever.
    if (error.status === 402 || error.openaiCode === 'insufficient_quota') {
      this.#restKey(candidate, refusedRestMs, retryAfterMs, `${error.status}: no credit`);
    } else if (error.status === 429) this.#restModel(candidate, rateLimitRestMs, retryAfterMs, '429: rate limit');
    else if (ofEndpoints.has(operation)) return;
    else if (error.status === 403) this.#restModel(candidate, refusedRestMs, retryAfterMs, '403: not permitted');
    else if (error.status === 401) this.refuse(candidate);
  }

  /** The provider does not accept the key, whatever is asked with it. */
  refuse({ state }: Candidate): void {
    state.failures += 1;
    state.restsUntil = Number.POSITIVE_INFINITY;
    state.reason = '401: not accepted';
  }

  #restKey({ state }: Candidate, baseMs: number, askedMs: number | undefined, reason: string): void {
    state.failures += 1;
    state.restsUntil = Math.max(state.restsUntil, this.#end(baseMs, askedMs, state.failures));
    state.reason = reason;
  }

  #restModel({ state, model }: Candidate, baseMs: number, askedMs: number | undefined, reason: string): void {
    state.modelRests ??= new Map();
    const { modelRests } = state;
    if (modelRests.size >= maxModelRests) modelRests.clear();
    const now = this.#clock.now();
    const before: KeyRest | undefined = modelRests.get(model);
    // Calls that were under way together are one failure, not many.
    const failures = before === undefined ? 1 : before.until > now ? before.failures : before.failures + 1;
    const until = Math.max(before?.until ?? 0, this.#end(baseMs, askedMs, failures));
    modelRests.set(model, { until, reason, failures });
  }

  #end(baseMs: number, askedMs: number | undefined, failures: number): number {
    const ms = askedMs === undefined ? this.#grown(baseMs, failures) : Math.min(askedMs, this.#options.maxRestMs);
    return this.#clock.now() + ms;
  }

  #grown(baseMs: number, failures: number): number {
    return Math.min(baseMs * 2 ** Math.min(failures - 1, 20), this.#options.maxRestMs);
  }
}

import { type Host, isObject, type JsonObject, type Key, locate, type Provider } from '../../plugin-sdk/index.ts';
import { type Candidate, wake } from './candidates.ts';

const timeoutMs = 10_000;
/** A key is looked at no more often than this, however many calls are refused. */
const verifyEveryMs = 60_000;

/** What a model list answered instead of a list. */
class ListRefused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the model list answered ${status}`);
    this.status = status;
  }
}

/**
 * Finds out whether a key that was refused is accepted again. Where the provider has a model list, reading that is the
 * probe, which costs nothing; otherwise the next call of a caller is, since a refusal only moves it on to another key.
 */
export class Probes {
  readonly #host: Host;
  readonly #waiting = new Map<Candidate['state'], () => void>();
  readonly #verifiedAt = new WeakMap<Candidate['state'], number>();

  constructor(host: Host) {
    this.#host = host;
  }

  schedule(provider: Provider, candidate: Candidate, delayMs: number): void {
    const { state } = candidate;
    if (this.#waiting.has(state)) return;
    const cancel = this.#host.clock.after(delayMs, () => {
      this.#waiting.delete(state);
      void this.#probe(provider, candidate, delayMs);
    });
    this.#waiting.set(state, cancel);
  }

  /** Asks at once whether a key is accepted at all; calls `refused` when it is not, and not when nobody can tell. */
  verify(provider: Provider, candidate: Candidate, refused: () => void): void {
    const { state } = candidate;
    const now = this.#host.clock.now();
    const before = this.#verifiedAt.get(state) ?? Number.NEGATIVE_INFINITY;
    if (provider.models === undefined || now - before < verifyEveryMs) return;
    this.#verifiedAt.set(state, now);
    this.#list(provider, candidate).catch((cause: unknown) => {
      if (cause instanceof ListRefused && cause.status === 401 && Number.isFinite(state.restsUntil)) refused();
    });
  }

  close(): void {
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }

  async #probe(provider: Provider, candidate: Candidate, delayMs: number): Promise<void> {
    const { key, state } = candidate;
    if (Number.isFinite(state.restsUntil)) return;
    const { failures } = state;
    try {
      await this.#list(provider, candidate);
    } catch {
      this.schedule(provider, candidate, delayMs * 2);
      return;
    }
    wake(state);
    // A list that anyone may read proves little: if the key is refused again, it rests longer than before.
    state.failures = failures;
    this.#host.log.info({ provider: provider.name, key: key.name }, 'a key that was refused is tried again');
  }

  async #list(provider: Provider, { key }: Candidate): Promise<void> {
    await provider.models?.({ key, get: (path, headers) => this.#get(provider, key, path, headers) });
  }

  async #get(
    provider: Provider,
    key: Key,
    path: string,
    headers: Parameters<Host['fetch']>[0]['headers'],
  ): Promise<JsonObject> {
    const { name, privateAddresses } = provider;
    const origin = /^https?:\/\/[^/]+/.exec(path)?.[0];
    const place = origin === undefined ? locate(provider.baseUrl, path) : { origin, path: path.slice(origin.length) };
    const request = { provider: name, ...place, method: 'GET', headers, body: undefined, privateAddresses };
    const signed = provider.authorize === undefined ? request : await provider.authorize(request, key);
    const { status, body } = await this.#host.fetch(signed, { timeoutMs });
    const json: unknown = status === 200 ? JSON.parse(body.toString('utf8')) : undefined;
    if (!isObject(json) && !Array.isArray(json)) throw new ListRefused(status);
    return json as JsonObject;
  }
}

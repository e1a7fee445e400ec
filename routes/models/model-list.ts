import {
  GatewayError,
  type Host,
  isGatewayError,
  isObject,
  type JsonObject,
  type KeyedAttempt,
  locate,
  type ModelInfo,
  type OutgoingHeaders,
  type Provider,
  type ProviderKey,
} from '../../plugin-sdk/index.ts';
import { matchesModel } from './matches-model.ts';

const freshMs = 300_000;
/** A provider that failed is asked again after this time. */
const retryMs = 15_000;
const timeoutMs = 5_000;

interface Listed {
  models: readonly ModelInfo[];
  /** Milliseconds, monotonic, from which the list is read again. */
  staleAt: number;
  reading: Promise<void> | undefined;
  /** How the last reading ended. */
  state: 'unread' | 'read' | 'failed';
}

const keyless: KeyedAttempt['key'] = { name: 'none', value: undefined, settings: {} };

/**
 * What the configured providers say they serve. Each provider's list is read apart, so that one that is down costs only
 * its own models; a list once read is kept while it is renewed in the background, and when its provider goes down.
 */
export class ModelList {
  readonly #host: Host;
  readonly #lists = new Map<string, Listed>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Models of every provider that has a usable key (or of one), ids without prefix. Never rejects. */
  async read(only?: string): Promise<{ readonly provider: string; readonly models: readonly ModelInfo[] }[]> {
    const providers = [...this.#host.providers.values()].filter(({ name }) => only === undefined || name === only);
    return Promise.all(
      providers.map(async (provider) => {
        const keys = usableKeys(provider);
        if (keys.length === 0) return { provider: provider.name, models: [] };
        return { provider: provider.name, models: served(provider, await this.#modelsOf(provider, keys)) };
      }),
    );
  }

  /** The list as known, renewed in the background when it is old; only the first read waits. */
  async #modelsOf(provider: Provider, keys: readonly KeyedAttempt['key'][]): Promise<readonly ModelInfo[]> {
    if (provider.models === undefined) return [];
    const known = this.#lists.get(provider.name);
    const listed: Listed = known ?? { models: [], staleAt: 0, reading: undefined, state: 'unread' };
    if (known === undefined) this.#lists.set(provider.name, listed);
    if (this.#host.clock.monotonic() >= listed.staleAt) {
      listed.reading ??= this.#renew(provider, keys, listed).finally(() => {
        listed.reading = undefined;
      });
    }
    if (listed.state === 'unread') await listed.reading;
    return listed.models;
  }

  async #renew(provider: Provider, keys: readonly KeyedAttempt['key'][], listed: Listed): Promise<void> {
    let cause: unknown;
    for (const key of keys) {
      try {
        listed.models = await provider.models!({
          key,
          get: (path, headers) => this.#get(provider, key, path, headers),
        });
        listed.staleAt = this.#host.clock.monotonic() + freshMs;
        listed.state = 'read';
        return;
      } catch (error) {
        cause = error;
      }
    }
    listed.staleAt = this.#host.clock.monotonic() + retryMs;
    const isNew = listed.state !== 'failed';
    listed.state = 'failed';
    if (!isNew) return;
    const reason = isGatewayError(cause) ? cause.text : (cause as Error).message;
    this.#host.log.warn({ provider: provider.name, reason }, 'the model list could not be read');
  }

  /** `path` may be a whole URL, for providers whose keys have endpoints of their own. */
  async #get(
    provider: Provider,
    key: KeyedAttempt['key'],
    path: string,
    headers: OutgoingHeaders,
  ): Promise<JsonObject> {
    const { name, privateAddresses } = provider;
    const place = /^https?:/.test(path)
      ? locate(new URL(path).origin, path.slice(new URL(path).origin.length))
      : locate(provider.baseUrl, path);
    const request = {
      provider: name,
      ...place,
      method: 'GET',
      headers: ['accept', 'application/json', ...headers],
      body: undefined,
      privateAddresses,
    };
    const signed = provider.authorize === undefined ? request : await provider.authorize(request, key);
    const { status, body } = await this.#host.fetch(signed, { timeoutMs });
    if (status !== 200) throw new GatewayError('UP_STATUS', { message: `${name} answered ${status}.` }, { status });
    const json: unknown = JSON.parse(body.toString('utf8'));
    if (!isObject(json) && !Array.isArray(json))
      throw new GatewayError('UP_BAD_BODY', { provider: name, reason: 'it is no list' });
    return json as JsonObject;
  }
}

function usableKeys(provider: Provider): KeyedAttempt['key'][] {
  if (provider.keys.length === 0 && provider.keyless) return [keyless];
  return provider.keys.filter(({ enabled }) => enabled).map(({ name, value, settings }) => ({ name, value, settings }));
}

/** The provider's list as far as its keys may serve it, with the names that only the config knows (aliases, deployments). */
function served(provider: Provider, listed: readonly ModelInfo[]): readonly ModelInfo[] {
  const keys = provider.keys.filter(({ enabled }) => enabled);
  const models = keys.length === 0 ? [...listed] : listed.filter(({ id }) => keys.some((key) => serves(key, id)));
  const known = new Set(models.map(({ id }) => id));
  for (const key of keys) {
    for (const id of [...key.models.filter((name) => !name.endsWith('*')), ...Object.keys(key.aliases)]) {
      if (known.has(id) || !serves(key, id)) continue;
      known.add(id);
      models.push({ id, created: 0, ownedBy: provider.name });
    }
  }
  return models;
}

function serves(key: ProviderKey, model: string): boolean {
  return matchesModel(key.models, model) && !matchesModel(key.blockedModels, model);
}

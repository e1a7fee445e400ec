import {
  chain,
  type Host,
  type Key,
  type KeyHealth,
  type KeyState,
  type MaybePromise,
  type Provider,
  type ProviderKey,
  Secret,
} from '../../plugin-sdk/index.ts';
import { entitiesPort } from '../../plugin-sdk/ports/entities.ts';
import { RuntimeKeys } from '../../plugin-sdk/ports/runtime-keys.ts';
import { aliasOf, refusal } from './serves-model.ts';

/** A key that may serve a model, made once and used for every selection. */
export interface Candidate {
  readonly key: Key;
  readonly weight: number;
  readonly state: KeyState;
  /** What its provider calls the model: rests that hold for one model go by it. */
  readonly model: string;
}

export interface Candidates {
  readonly provider: Provider;
  readonly may: readonly Candidate[];
  /** Keys that never may, each with the reason. */
  readonly mayNot: readonly { readonly name: string; readonly reason: string }[];
}

const maxModels = 2_000;
const anonymous: ProviderKey = {
  name: 'none',
  value: undefined,
  weight: 1,
  models: ['*'],
  blockedModels: [],
  aliases: {},
  enabled: true,
  settings: {},
};

const none: readonly ProviderKey[] = [];

interface ProviderCandidates {
  readonly own: readonly ProviderKey[];
  readonly added: readonly ProviderKey[];
  readonly all: readonly ProviderKey[];
  readonly byModel: Map<string, Candidates>;
}

/** Who may serve what: worked out once per provider and model, and anew when a provider's keys change. */
export class CandidateLists {
  readonly #host: Host;
  readonly #byProvider = new Map<string, ProviderCandidates>();
  /** Keys as they were when their health was noted; outlives a reload, as health does. */
  readonly #known: Map<string, ProviderKey>;
  /** Keys added while the gateway runs, where a store keeps some. */
  readonly #added: RuntimeKeys | undefined;

  constructor(host: Host) {
    this.#host = host;
    this.#known = host.shared(
      'plugins/key-pool',
      () => new Map(),
      () => {},
    );
    const entities = host.findPort(entitiesPort);
    this.#added = entities === undefined ? undefined : new RuntimeKeys(entities);
  }

  /** `undefined` for a provider that is not configured. */
  find(name: string, model: string): MaybePromise<Candidates | undefined> {
    const provider = this.#host.providers.get(name);
    if (provider === undefined) return undefined;
    if (this.#added === undefined) return this.#find(provider, none, model);
    return chain(this.#added.of(name), (added) => this.#find(provider, added, model));
  }

  /** Every key of a provider, those added at run time included. */
  keysOf(provider: Provider): MaybePromise<readonly ProviderKey[]> {
    return this.#added === undefined
      ? provider.keys
      : chain(this.#added.of(provider.name), (added) => [...provider.keys, ...added]);
  }

  #find(provider: Provider, added: readonly ProviderKey[], model: string): Candidates {
    let lists = this.#byProvider.get(provider.name);
    if (lists === undefined || lists.own !== provider.keys || lists.added !== added) {
      lists = { own: provider.keys, added, all: [...provider.keys, ...added], byModel: new Map() };
      this.#byProvider.set(provider.name, lists);
      for (const key of lists.all) this.#wakeChanged(provider.name, key);
    }
    let found = lists.byModel.get(model);
    if (found === undefined) {
      // Clients choose model names, so the cache must not grow with them.
      if (lists.byModel.size >= maxModels) lists.byModel.clear();
      found = this.#make(provider, lists.all, model);
      lists.byModel.set(model, found);
    }
    return found;
  }

  #make(provider: Provider, all: readonly ProviderKey[], model: string): Candidates {
    const keys = all.length === 0 && provider.keyless ? [anonymous] : all;
    const may: Candidate[] = [];
    const mayNot: { name: string; reason: string }[] = [];
    for (const key of keys) {
      const { name, value, settings, weight } = key;
      const reason = refusal(key, model);
      if (reason !== undefined) {
        mayNot.push({ name, reason });
        continue;
      }
      const alias = aliasOf(key, model);
      const state = stateOf(this.#host.keyHealth, provider.name, name);
      const chosen = alias === undefined ? { name, value, settings } : { name, value, settings, model: alias };
      may.push({ key: chosen, weight, state, model: alias ?? model });
    }
    return { provider, may, mayNot };
  }

  /** A key whose credential or settings were changed in the config starts afresh. */
  #wakeChanged(provider: string, key: ProviderKey): void {
    const id = `${provider}/${key.name}`;
    const before = this.#known.get(id);
    this.#known.set(id, key);
    if (before === undefined || isSame(before, key)) return;
    wake(stateOf(this.#host.keyHealth, provider, key.name));
  }
}

function isSame(a: ProviderKey, b: ProviderKey): boolean {
  const names = new Set([...Object.keys(a.settings), ...Object.keys(b.settings)]);
  return Secret.same(a.value, b.value) && [...names].every((name) => isSameSetting(a.settings[name], b.settings[name]));
}

function isSameSetting(a: unknown, b: unknown): boolean {
  return a instanceof Secret && b instanceof Secret ? Secret.same(a, b) : JSON.stringify(a) === JSON.stringify(b);
}

/** The state of a key, made when first asked for. */
export function stateOf(health: KeyHealth, provider: string, key: string): KeyState {
  const known = health.get(provider, key);
  if (known !== undefined) return known;
  const state: KeyState = { restsUntil: 0, reason: undefined, failures: 0, inFlight: 0, latencyMs: undefined };
  health.set(provider, key, state);
  return state;
}

/** The key serves again. */
export function wake(state: KeyState): void {
  state.restsUntil = 0;
  state.reason = undefined;
  state.failures = 0;
  state.modelRests?.clear();
}

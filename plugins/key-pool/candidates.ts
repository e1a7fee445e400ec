import type { Host, Key, KeyHealth, KeyState, Provider, ProviderKey } from '../../plugin-sdk/index.ts';
import { Secret } from '../../plugin-sdk/index.ts';
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

interface ProviderCandidates {
  readonly keys: readonly ProviderKey[];
  readonly byModel: Map<string, Candidates>;
}

/** Who may serve what: worked out once per provider and model, and anew when a provider's keys change. */
export class CandidateLists {
  readonly #host: Host;
  readonly #byProvider = new Map<string, ProviderCandidates>();
  /** Keys as they were when their health was noted; outlives a reload, as health does. */
  readonly #known: Map<string, ProviderKey>;

  constructor(host: Host) {
    this.#host = host;
    this.#known = host.shared('plugins/key-pool', () => new Map(), () => {});
  }

  /** `undefined` for a provider that is not configured. */
  find(name: string, model: string): Candidates | undefined {
    const provider = this.#host.providers.get(name);
    if (provider === undefined) return undefined;
    let lists = this.#byProvider.get(name);
    if (lists === undefined || lists.keys !== provider.keys) {
      lists = { keys: provider.keys, byModel: new Map() };
      this.#byProvider.set(name, lists);
      for (const key of provider.keys) this.#wakeChanged(name, key);
    }
    let found = lists.byModel.get(model);
    if (found === undefined) {
      // Clients choose model names, so the cache must not grow with them.
      if (lists.byModel.size >= maxModels) lists.byModel.clear();
      found = this.#make(provider, model);
      lists.byModel.set(model, found);
    }
    return found;
  }

  #make(provider: Provider, model: string): Candidates {
    const keys = provider.keys.length === 0 && provider.keyless ? [anonymous] : provider.keys;
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
  return Secret.same(a.value, b.value) && settingsText(a) === settingsText(b);
}

/** Secrets among the settings all read the same here; a changed one is told by `Secret.same` in {@link isSame} only for the value. */
function settingsText({ settings }: ProviderKey): string {
  return JSON.stringify(settings, (_name, value: unknown) => (value instanceof Secret ? Secret.fingerprint(value) : value));
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

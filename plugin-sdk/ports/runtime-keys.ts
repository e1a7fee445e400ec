import { chain, type MaybePromise } from '../maybe.ts';
import type { ProviderKey } from '../provider.ts';
import type { Secret } from '../secret.ts';
import type { Entities } from './entities.ts';

const none: readonly ProviderKey[] = [];

/** The provider keys that were added at run time, ready for selection beside those of the config. Read once per change. */
export class RuntimeKeys {
  readonly #entities: Entities;
  #byProvider: ReadonlyMap<string, readonly ProviderKey[]> = new Map();
  #version = -1;

  constructor(entities: Entities) {
    this.#entities = entities;
  }

  of(provider: string): MaybePromise<readonly ProviderKey[]> {
    return chain(this.#entities.version(), (version) =>
      version === this.#version
        ? (this.#byProvider.get(provider) ?? none)
        : this.#read(version).then(() => this.#byProvider.get(provider) ?? none),
    );
  }

  async #read(version: number): Promise<void> {
    const keys = new Map<string, ProviderKey[]>();
    for (const { id, value: entity } of await this.#entities.list('provider-key')) {
      const { provider, ...rest } = entity;
      const value = await this.#open(id);
      const enabled = rest.enabled && value !== undefined;
      keys.set(provider, [...(keys.get(provider) ?? []), { ...rest, enabled, value, settings: {} }]);
    }
    this.#byProvider = keys;
    this.#version = version;
  }

  /** One credential that cannot be opened (the sealing key was changed) must not keep the others from serving. */
  async #open(id: string): Promise<Secret | undefined> {
    try {
      return await this.#entities.providerCredential(id);
    } catch {
      return undefined;
    }
  }
}

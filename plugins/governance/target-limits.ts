import { chain, type MaybePromise } from '../../plugin-sdk/index.ts';
import { accountsOf } from '../../plugin-sdk/ports/accounts.ts';
import type { Entities, Entity } from '../../plugin-sdk/ports/entities.ts';
import type { Account } from '../../plugin-sdk/ports/ledger.ts';
import { RecentMap } from './recent-map.ts';
import { matches } from './subject.ts';

const maxRemembered = 10_000;
const none: readonly Account[] = [];

/** The limits of providers and models, whoever calls: found once per target until an entity changes. */
export class TargetLimits {
  readonly #entities: Entities;
  readonly #byTarget = new RecentMap<string, readonly Account[]>(maxRemembered);
  #limits: readonly { readonly limit: Entity<'limit'>['value']; readonly accounts: readonly Account[] }[] = [];
  #version = -1;

  constructor(entities: Entities) {
    this.#entities = entities;
  }

  accountsFor(provider: string, model: string): MaybePromise<readonly Account[]> {
    return chain(this.#entities.version(), (version) =>
      version === this.#version
        ? this.#find(provider, model)
        : chain(this.#entities.list('limit'), (entities) => {
            this.#limits = entities.map(({ id, value }) => ({
              limit: value,
              accounts: accountsOf(`limit:${id}`, value),
            }));
            this.#byTarget.clear();
            this.#version = version;
            return this.#find(provider, model);
          }),
    );
  }

  #find(provider: string, model: string): readonly Account[] {
    if (this.#limits.length === 0) return none;
    const key = `${provider}/${model}`;
    let accounts = this.#byTarget.get(key);
    if (accounts === undefined) {
      accounts = this.#limits
        .filter(({ limit }) => limit.provider === undefined || limit.provider === provider)
        .filter(({ limit }) => limit.model === undefined || matches(limit.model, model))
        .flatMap((entry) => entry.accounts);
      this.#byTarget.set(key, accounts);
    }
    return accounts;
  }
}

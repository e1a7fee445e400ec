import type { Exchange, Host, Provider, Target } from '../../plugin-sdk/index.ts';
import { pricesPort } from '../../plugin-sdk/ports/prices.ts';

const maxRemembered = 5_000;
/** Where this has a price, every name has one (a server of one's own is free): such prices list nothing. */
const noModel = 'a model that nobody has';

/**
 * Which configured provider has a model: one whose keys name it, or that the price book lists it for. Asks nobody over
 * the network, so that routing waits for nothing.
 */
export class ModelCatalogue {
  readonly #host: Host;
  readonly #found = new Map<string, Target | undefined>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Where a bare model goes instead of to the default provider; `undefined` when that has it, or nobody is known to. */
  find(model: string, defaultProvider: string, { operation, time }: Exchange): Target | undefined {
    const name = `${defaultProvider} ${operation} ${model}`;
    if (this.#found.has(name)) return this.#found.get(name);
    if (this.#found.size >= maxRemembered) this.#found.clear();
    const providers = [...this.#host.providers.values()];
    const has = (provider: Provider): boolean =>
      isNamed(provider, model) ||
      (isServed(provider, operation) && this.#isListed(provider.name, model, operation, time));
    const standard = this.#host.providers.get(defaultProvider);
    const other =
      standard !== undefined && has(standard)
        ? undefined
        : providers.find((provider) => provider !== standard && isUsable(provider) && has(provider));
    const target = other === undefined ? undefined : { provider: other.name, model };
    this.#found.set(name, target);
    return target;
  }

  #isListed(provider: string, model: string, operation: Exchange['operation'], at: number): boolean {
    return this.#isPriced(provider, model, operation, at) && !this.#isPriced(provider, noModel, operation, at);
  }

  #isPriced(provider: string, model: string, operation: Exchange['operation'], at: number): boolean {
    const price = this.#host
      .findPort(pricesPort)
      ?.reserve({ provider, model, operation, at, inputTokens: 1, outputTokens: 1 });
    return typeof price === 'object' && 'nanoUsd' in price;
  }
}

function isUsable({ keys, keyless }: Provider): boolean {
  return keyless || keys.some(({ enabled }) => enabled);
}

function isServed({ speaks, adapters }: Provider, operation: Exchange['operation']): boolean {
  return speaks[operation] !== undefined || speaks['*'] !== undefined || adapters?.[operation] !== undefined;
}

/** A key's list names the model outright; `*` says nothing about it. */
function isNamed({ keys }: Provider, model: string): boolean {
  const lower = model.toLowerCase();
  return keys.some(
    ({ enabled, models, aliases }) =>
      enabled &&
      [...models.filter((name) => name !== '*'), ...Object.keys(aliases)].some((name) =>
        matches(name.toLowerCase(), lower),
      ),
  );
}

function matches(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model;
}

import type { PluginInstance } from '../plugin-sdk/index.ts';

/** Names that two plugins cannot share, since one of the two would silently never serve: providers and endpoints. */
export class Claims {
  readonly #owners = new Map([
    ['GET /health', 'the gateway'],
    ['GET /ready', 'the gateway'],
  ]);

  /** Takes what an instance claims. Says which of it another plugin has, if any. */
  take(plugin: string, { provider, routes = [] }: PluginInstance): string | undefined {
    if (provider !== undefined) {
      const owner = this.#claim(`provider ${provider.name}`, plugin);
      if (owner !== undefined) return `there is a provider ${provider.name} already, of ${owner}`;
    }
    for (const { method, path } of routes) {
      const owner = this.#claim(`${method} ${path}`, plugin);
      if (owner !== undefined) return `${method} ${path} is an endpoint of ${owner} already`;
    }
    return undefined;
  }

  #claim(name: string, plugin: string): string | undefined {
    const owner = this.#owners.get(name);
    if (owner === undefined) this.#owners.set(name, plugin);
    return owner;
  }
}

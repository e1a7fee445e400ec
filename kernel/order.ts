import { GatewayError } from '../plugin-sdk/index.ts';

export interface Orderable {
  readonly id: string;
  readonly after: readonly string[];
  readonly requires: readonly string[];
  /** Capabilities, the own id and the definition's name included. */
  readonly provides: readonly string[];
}

/**
 * Sorts plugins so that each comes behind what it runs `after` or `requires`; otherwise the order of the config stays.
 * Throws GatewayError PLUGIN_MISSING for a capability nobody provides, PLUGIN_CYCLE naming the cycle.
 */
export function order<P extends Orderable>(plugins: readonly P[]): P[] {
  const providers = new Map<string, P[]>();
  for (const plugin of plugins) {
    for (const capability of plugin.provides) providers.set(capability, [...(providers.get(capability) ?? []), plugin]);
  }
  const sorted: P[] = [];
  const done = new Set<P>();
  const path: P[] = [];

  const visit = (plugin: P): void => {
    if (done.has(plugin)) return;
    const start = path.indexOf(plugin);
    if (start >= 0) {
      const cycle = [...path.slice(start), plugin].map((member) => member.id).join(' → ');
      throw new GatewayError('PLUGIN_CYCLE', { cycle });
    }
    path.push(plugin);
    for (const capability of plugin.requires) {
      const found = providers.get(capability);
      if (found === undefined) throw new GatewayError('PLUGIN_MISSING', { plugin: plugin.id, capability });
      found.filter((other) => other !== plugin).forEach(visit);
    }
    for (const name of plugin.after)
      providers
        .get(name)
        ?.filter((other) => other !== plugin)
        .forEach(visit);
    path.pop();
    done.add(plugin);
    sorted.push(plugin);
  };
  plugins.forEach(visit);
  return sorted;
}

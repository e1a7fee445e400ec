import type { GatewayView } from '../plugin-sdk/index.ts';
import type { LoadedConfig } from './config/load-config.ts';
import { describeConfig } from './describe-config.ts';
import type { PlannedPlugin } from './load-plugins.ts';
import { viewRoute } from './routes.ts';
import type { RunningPlugins } from './set-up.ts';
import type { Connections } from './upstream/connections.ts';

/** What is looked at, besides the plugins: a generation and its process. */
export interface Viewed {
  readonly id: string;
  readonly plugins: readonly PlannedPlugin[];
  readonly loaded: LoadedConfig;
  /** Exchanges that are open. */
  readonly open: number;
}

/** A running generation for `plan`, the admin API and the dashboard. */
export function viewGeneration(
  { id, plugins, open, loaded }: Viewed,
  running: RunningPlugins,
  process: { readonly startedAt: number; readonly connections: Connections },
): GatewayView {
  const { hookOrder, taken, routes, providers, setupMs } = running;
  return {
    generation: id,
    startedAt: process.startedAt,
    openExchanges: open,
    plugins: plugins.map((plugin) => ({
      id: plugin.id,
      definition: plugin.definition.name,
      implied: plugin.implied,
      setupMs: setupMs.get(plugin.id) ?? 0,
    })),
    hooks: Object.entries(hookOrder).map(([hook, names]) => ({ hook, plugins: names })),
    handlers: taken.map(({ plugin, hook, taken: sums }) => ({ plugin, hook, ...sums })),
    connections: process.connections.stats(),
    routes: routes.map(({ plugin, route }) => viewRoute(plugin, route, hookOrder.preRoute)),
    providers: [...providers.values()].map(({ name, baseUrl, keys }) => ({
      name,
      definition:
        plugins.find((plugin) => plugin.id === name || plugin.id === `providers/${name}`)?.definition.name ?? name,
      baseUrl,
      keys: keys.map((key) => key.name),
    })),
    config: describeConfig(loaded.config),
  };
}

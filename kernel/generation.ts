import type { Hono } from 'hono';
import type {
  CatalogueEntry,
  Clock,
  FetchedReply,
  GatewayView,
  InternalRequest,
  KeyHealth,
  Logger,
} from '../plugin-sdk/index.ts';
import { type AcceptOptions, accept } from './accept.ts';
import { AdminGuard } from './admin-guard.ts';
import type { Client } from './client/client.ts';
import type { LoadedConfig } from './config/load-config.ts';
import { ExchangeRoutes } from './exchange-routes.ts';
import type { Runtime } from './execute/context.ts';
import { createHost } from './host.ts';
import { runInternal } from './internal.ts';
import { loadPlugins, type PlannedPlugin } from './load-plugins.ts';
import { OpenExchanges } from './open-exchanges.ts';
import { mountHandlers } from './routes.ts';
import { type Registered, type RunningPlugins, setUp } from './set-up.ts';
import type { SharedThings } from './shared.ts';
import type { Connections } from './upstream/connections.ts';
import { viewGeneration } from './view.ts';
import { warnOfProviders } from './warn-of-providers.ts';

/** What generations take over from each other: everything that outlives a reload. */
export interface Process {
  readonly catalogue: readonly CatalogueEntry[];
  readonly connections: Connections;
  readonly shared: SharedThings;
  readonly keyHealth: KeyHealth;
  readonly clock: Clock;
  readonly log: Logger;
  readonly startedAt: number;
  /** Exchanges run by plugins go to the newest generation. */
  current(): Generation | undefined;
  draining(): boolean;
}

/** One config, running: its plugins, hooks and routes. Reload makes a new one beside it. */
export class Generation {
  readonly id: string;
  readonly loaded: LoadedConfig;
  readonly admin: AdminGuard;
  readonly routes: ExchangeRoutes;
  readonly handlers: Hono;
  readonly plugins: readonly PlannedPlugin[];
  readonly exchanges = new OpenExchanges();
  readonly #running: RunningPlugins;
  readonly #process: Process;
  readonly #usedKeys: string[];
  readonly #accept: AcceptOptions;
  #tearingDown: Promise<void> | undefined = undefined;

  private constructor(
    id: string,
    loaded: LoadedConfig,
    plugins: readonly PlannedPlugin[],
    running: RunningPlugins,
    process: Process,
    usedKeys: string[],
    admin: AdminGuard,
  ) {
    this.id = id;
    this.loaded = loaded;
    this.plugins = plugins;
    this.#running = running;
    this.#process = process;
    this.#usedKeys = usedKeys;
    this.admin = admin;
    const { server } = loaded.config;
    const runtime: Runtime = {
      open: this.exchanges.ofClients,
      generation: id,
      hooks: running.hooks,
      providers: running.providers,
      connections: process.connections,
      keyHealth: process.keyHealth,
      log: process.log,
      findPort: (port) => running.ports.get(port.capability) as never,
      replyBytes: 64 * 1024 * 1024,
      keepAliveCommentMs: server.keepAliveCommentMs,
      scheme: server.tls === undefined ? 'http' : 'https',
    };
    this.#accept = {
      runtime,
      limits: server.limits,
      log: process.log,
      allowCrossSite: server.allowCrossSite,
      mayExplain: (headers) => admin.allows(headers.get('x-bf-admin-token'), 'read'),
    };
    this.routes = new ExchangeRoutes(running.routes.map(({ route }) => route));
    this.handlers = mountHandlers(running.routes, admin, server.limits.bodyBytes, process.log);
  }

  /** Loads and sets up a config. Throws GatewayError CFG_*, PLUGIN_*; nothing is left behind then. */
  static async create(id: string, loaded: LoadedConfig, process: Process): Promise<Generation> {
    const plugins = await loadPlugins(loaded, process.catalogue);
    const registered: Registered = { providers: new Map(), ports: new Map() };
    const usedKeys: string[] = [];
    const holder: { generation: Generation | undefined } = { generation: undefined };
    const context = {
      generation: id,
      dataDir: loaded.config.dataDir,
      registered,
      shared: process.shared,
      usedKeys,
      connections: process.connections,
      keyHealth: process.keyHealth,
      clock: process.clock,
      log: (plugin: string) => childLogger(process.log, plugin),
      draining: () => process.draining(),
      run: (request: InternalRequest) => (process.current() ?? holder.generation)!.run(request),
      inspect: () => holder.generation!.view(),
      allowsAdmin: (token: string, scope: 'read' | 'write') => holder.generation!.admin.allows(token, scope),
    };
    let running: RunningPlugins | undefined;
    try {
      const admin = new AdminGuard(loaded.config);
      running = await setUp(
        plugins,
        registered,
        (plugin) => createHost(plugin, context),
        loaded.config.hookTimeoutMs,
        process.log,
      );
      warnOfProviders(plugins, new Set(running.providers.keys()), loaded.problems);
      return (holder.generation = new Generation(id, loaded, plugins, running, process, usedKeys, admin));
    } catch (error) {
      await running?.tearDown();
      await process.shared.releaseAll(usedKeys);
      throw error;
    }
  }

  /** Commands that plugins bring to the binary. */
  get commands(): RunningPlugins['commands'] {
    return this.#running.commands;
  }

  get open(): number {
    return this.exchanges.count;
  }

  /** Starts the exchange that a call is for. False when no route is: nothing was read or written then. */
  serve(client: Client): boolean {
    const route = this.routes.find(client.method, client.url);
    if (route === undefined) return false;
    this.exchanges.track(accept(route, client, this.#accept));
    return true;
  }

  /** Runs a request from inside the process and waits for its whole reply. */
  run(request: InternalRequest): Promise<FetchedReply> {
    return runInternal(request, this.routes, this.#accept, (settled) => this.exchanges.track(settled));
  }

  /** Takes the plugins down, each within `limitMs`, and lets go of what they shared, once however often it is called. */
  tearDown(limitMs?: number): Promise<void> {
    this.#tearingDown ??= this.#running.tearDown(limitMs).then(() => this.#process.shared.releaseAll(this.#usedKeys));
    return this.#tearingDown;
  }

  view(): GatewayView {
    return viewGeneration(this, this.#running, this.#process);
  }
}

function childLogger(log: Logger, plugin: string): Logger {
  const { child } = log as Logger & { child?: (bindings: object) => Logger };
  return child === undefined ? log : child.call(log, { plugin });
}

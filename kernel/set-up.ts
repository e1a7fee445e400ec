import {
  GatewayError,
  type Host,
  isThenable,
  type Logger,
  type PluginCommand,
  type PluginInstance,
  type Port,
  type Provider,
  type Route,
} from '../plugin-sdk/index.ts';
import { Claims } from './claims.ts';
import { createHooks, type Hooks } from './hooks.ts';
import { instanceFault } from './instance-fault.ts';
import type { PlannedPlugin } from './load-plugins.ts';
import { type HookOrder, type TakenByHandler, tapAll } from './tap-all.ts';

const setupLimitMs = 30_000;
/** For each, where someone waits for the end: more than the five seconds that plugins give themselves to write what is left. */
const teardownLimitMs = 10_000;

/** Plugins that are running: what they contributed, and how to take it all down again. */
export interface RunningPlugins {
  readonly hooks: Hooks;
  readonly routes: readonly { readonly plugin: string; readonly route: Route }[];
  readonly providers: Map<string, Provider>;
  readonly ports: ReadonlyMap<string, unknown>;
  readonly commands: ReadonlyMap<string, PluginCommand>;
  readonly setupMs: ReadonlyMap<string, number>;
  readonly hookOrder: HookOrder;
  /** What each handler has taken so far. */
  readonly taken: readonly TakenByHandler[];
  /** One after the other, last first. `limitMs`: what each may take before it is left behind. */
  tearDown(limitMs?: number): Promise<void>;
}

/** What set-up shares with the hosts it hands out: they are filled while plugins come up. */
export interface Registered {
  readonly providers: Map<string, Provider>;
  readonly ports: Map<string, unknown>;
}

/**
 * Sets plugins up in order and taps their handlers. If one fails, those already up are torn down in reverse and the
 * failure is thrown: PLUGIN_SETUP_FAILED, PLUGIN_SETUP_TIMEOUT, PLUGIN_MALFORMED.
 */
export async function setUp(
  plugins: readonly PlannedPlugin[],
  registered: Registered,
  hostOf: (plugin: PlannedPlugin) => Host,
  defaultTimeoutMs: number,
  log: Logger,
): Promise<RunningPlugins> {
  const hooks = createHooks();
  const up: { plugin: PlannedPlugin; instance: PluginInstance }[] = [];
  const routes: { plugin: string; route: Route }[] = [];
  const commands = new Map<string, PluginCommand>();
  const setupMs = new Map<string, number>();
  const claims = new Claims();
  const tearDown = async (limitMs = teardownLimitMs): Promise<void> => {
    for (const { plugin, instance } of up.toReversed()) await tearDownOne(plugin.id, instance, limitMs, log);
  };
  try {
    for (const plugin of plugins) {
      const started = performance.now();
      const instance = await setUpOne(plugin, hostOf(plugin), log);
      setupMs.set(plugin.id, performance.now() - started);
      up.push({ plugin, instance });
      const fault = instanceFault(instance) ?? claims.take(plugin.id, instance);
      if (fault !== undefined) throw new GatewayError('PLUGIN_MALFORMED', { plugin: plugin.id, reason: fault });
      for (const { port, implementation } of instance.ports ?? [])
        registered.ports.set((port as Port<unknown>).capability, implementation);
      if (instance.provider !== undefined) registered.providers.set(instance.provider.name, instance.provider);
      for (const [name, command] of Object.entries(instance.commands ?? {})) commands.set(name, command);
      for (const route of instance.routes ?? []) routes.push({ plugin: plugin.id, route });
    }
  } catch (error) {
    await tearDown();
    throw error;
  }
  const taken: TakenByHandler[] = [];
  const hookOrder = tapAll(hooks, up, taken, defaultTimeoutMs, log);
  return {
    hooks,
    routes,
    providers: registered.providers,
    ports: registered.ports,
    commands,
    setupMs,
    hookOrder,
    taken,
    tearDown,
  };
}

async function setUpOne(plugin: PlannedPlugin, host: Host, log: Logger): Promise<PluginInstance> {
  try {
    const made = plugin.definition.setup(plugin.options as never, host);
    return isThenable(made) ? await inTime(plugin.id, made, log) : made;
  } catch (cause) {
    const { code, text, message } = cause as GatewayError;
    if (code === 'PLUGIN_SETUP_TIMEOUT') throw cause;
    throw new GatewayError(
      'PLUGIN_SETUP_FAILED',
      { plugin: plugin.id, reason: (text ?? message ?? String(cause)).replace(/\.$/, '') },
      { cause, plugin: plugin.id },
    );
  }
}

/** Waits for a setup up to its time limit. One that ends later is taken down: nobody else knows of it. */
function inTime(plugin: string, made: PromiseLike<PluginInstance>, log: Logger): Promise<PluginInstance> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new GatewayError('PLUGIN_SETUP_TIMEOUT', { plugin, ms: setupLimitMs }));
    }, setupLimitMs);
    const settle = async (instance: PluginInstance): Promise<void> => {
      clearTimeout(timer);
      if (late) await tearDownOne(plugin, instance, teardownLimitMs, log);
      else resolve(instance);
    };
    Promise.resolve(made)
      .then(settle)
      .catch((cause) => {
        clearTimeout(timer);
        reject(cause);
      });
  });
}

/** Waits up to the time limit: a teardown that hangs must keep neither the other plugins nor the process. Never rejects. */
function tearDownOne(plugin: string, instance: PluginInstance, limitMs: number, log: Logger): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      log.error({ plugin, ms: limitMs }, 'teardown did not end');
      resolve();
    }, limitMs);
    // Where nobody waits for the end, its limit is long, and must not keep a process that is done.
    if (limitMs > teardownLimitMs) timer.unref();
    Promise.try(() => instance?.teardown?.())
      .catch((err) => log.error({ plugin, err }, 'teardown failed'))
      .finally(() => {
        clearTimeout(timer);
        resolve();
      });
  });
}

import {
  GatewayError,
  type HookName,
  type Host,
  hookNames,
  isReply,
  isThenable,
  type Logger,
  type Ordered,
  type PluginCommand,
  type PluginInstance,
  type Port,
  type Provider,
  passesJson,
  type ResponseTransform,
  type Route,
} from '../plugin-sdk/index.ts';
import { createHooks, type Hooks } from './hooks.ts';
import { instanceFault } from './instance-fault.ts';
import type { PlannedPlugin } from './load-plugins.ts';
import { type Taken, type Tap, toObserver, toTap } from './tap.ts';

const setupLimitMs = 30_000;
const stages = { pre: -1, post: 1 } as const;

/** Plugins that are running: what they contributed, and how to take it all down again. */
export interface RunningPlugins {
  readonly hooks: Hooks;
  readonly routes: readonly { readonly plugin: string; readonly route: Route }[];
  readonly providers: Map<string, Provider>;
  readonly ports: ReadonlyMap<string, unknown>;
  readonly commands: ReadonlyMap<string, PluginCommand>;
  readonly setupMs: ReadonlyMap<string, number>;
  /** Which plugins run in each hook, in order. */
  readonly hookOrder: Readonly<Record<HookName, readonly string[]>>;
  /** What each handler has taken so far. */
  readonly taken: readonly TakenByHandler[];
  tearDown(): Promise<void>;
}

export interface TakenByHandler {
  readonly plugin: string;
  readonly hook: HookName;
  readonly taken: Taken;
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
  const tearDown = async (): Promise<void> => {
    for (const { plugin, instance } of up.toReversed()) {
      try {
        await instance?.teardown?.();
      } catch (cause) {
        log.error({ plugin: plugin.id, err: cause }, 'teardown failed');
      }
    }
  };
  try {
    for (const plugin of plugins) {
      const started = performance.now();
      const instance = await setUpOne(plugin, hostOf(plugin));
      setupMs.set(plugin.id, performance.now() - started);
      up.push({ plugin, instance });
      const fault = instanceFault(instance);
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

async function setUpOne(plugin: PlannedPlugin, host: Host): Promise<PluginInstance> {
  try {
    const made = plugin.definition.setup(plugin.options as never, host);
    return isThenable(made) ? await inTime(plugin.id, made) : made;
  } catch (cause) {
    const { code, text, message } = cause as GatewayError;
    if (code === 'PLUGIN_SETUP_TIMEOUT') throw cause;
    throw new GatewayError(
      'PLUGIN_SETUP_FAILED',
      { plugin: plugin.id, reason: text ?? message ?? String(cause) },
      { cause, plugin: plugin.id },
    );
  }
}

/** Waits for a setup up to its time limit. One that ends later is taken down: nobody else knows of it. */
function inTime(plugin: string, made: PromiseLike<PluginInstance>): Promise<PluginInstance> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new GatewayError('PLUGIN_SETUP_TIMEOUT', { plugin, ms: setupLimitMs }));
    }, setupLimitMs);
    const settle = async (instance: PluginInstance): Promise<void> => {
      clearTimeout(timer);
      if (late) await instance?.teardown?.();
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

type Up = readonly { readonly plugin: PlannedPlugin; readonly instance: PluginInstance }[];

/** Taps every handler in final order: plugins are sorted already, `pre` and `post` are tapable stages. */
function tapAll(
  hooks: Hooks,
  up: Up,
  taken: TakenByHandler[],
  defaultTimeoutMs: number,
  log: Logger,
): RunningPlugins['hookOrder'] {
  const hookOrder = Object.fromEntries(hookNames.map((hook) => [hook, [] as string[]])) as Record<HookName, string[]>;
  for (const hook of hookNames) {
    const handlers = up.flatMap(({ plugin, instance }) => {
      const ordered = instance.hooks?.[hook] as Ordered<unknown> | undefined;
      if (ordered === undefined) return [];
      const isPlain =
        typeof ordered === 'function' || (hook === 'transformResponse' && 'stream' in (ordered as object));
      const { handler, stage } = isPlain
        ? { handler: ordered, stage: 0 }
        : {
            handler: (ordered as { handler: unknown }).handler,
            stage: stages[(ordered as { order: 'pre' | 'post' }).order],
          };
      return [{ plugin, handler, stage }];
    });
    // A stable sort: within a stage the plugins' own order stays.
    handlers.sort((a, b) => a.stage - b.stage);
    for (const { plugin, handler } of handlers) {
      hookOrder[hook].push(plugin.id);
      taken.push({ plugin: plugin.id, hook, taken: tapOne(hooks, hook, plugin, handler, defaultTimeoutMs, log) });
    }
  }
  return hookOrder;
}

function tapOne(
  hooks: Hooks,
  hook: HookName,
  plugin: PlannedPlugin,
  handler: unknown,
  defaultTimeoutMs: number,
  log: Logger,
): Taken {
  const { failOpen, hookTimeoutMs } = plugin.entry;
  const base: Tap = {
    plugin: plugin.id,
    hook,
    timeoutMs: hookTimeoutMs ?? plugin.definition.hookTimeoutMs ?? defaultTimeoutMs,
    failOpen: typeof failOpen === 'boolean' ? failOpen : failOpen[hook] === true,
    log,
    taken: { runs: 0, failures: 0, totalMs: 0, maxMs: 0 },
  };
  tapHandler(hooks, base, handler);
  return base.taken;
}

function tapHandler(hooks: Hooks, base: Tap, handler: unknown): void {
  const name = base.plugin;
  switch (base.hook) {
    case 'preRoute':
      return hooks.preRoute.tapAsync(name, toTap({ ...base, check: checkReply }, handler as never));
    case 'transformRequest':
      return hooks.transformRequest.tapAsync(name, toTap({ ...base, check: checkRequest }, handler as never));
    case 'selectKey':
      return hooks.selectKey.tapAsync(name, toTap({ ...base, check: checkKey }, handler as never));
    case 'execute':
      return hooks.execute.tapAsync(name, toTap({ ...base, check: checkReply }, handler as never));
    case 'transformResponse': {
      const { json, stream } = handler as ResponseTransform;
      if (json !== passesJson)
        hooks.transformJson.tapAsync(name, toTap({ ...base, check: checkJsonReply }, json as never));
      hooks.transformStream.push({ plugin: name, factory: stream });
      return;
    }
    case 'postLog':
      return hooks.postLog.tapAsync(name, toObserver(base, handler as never));
  }
}

const has = (value: unknown, ...fields: string[]): boolean =>
  typeof value === 'object' && value !== null && fields.every((field) => field in value);

const checkReply = (value: unknown) =>
  isReply(value) ? undefined : 'expected a reply with a status, headers and a body of a known type';
const checkRequest = (value: unknown) =>
  has(value, 'method', 'path', 'headers', 'body') ? undefined : 'expected a request';
const checkKey = (value: unknown) =>
  has(value, 'name', 'settings') ? undefined : 'expected a key with name, value and settings';
const checkJsonReply = (value: unknown) =>
  has(value, 'status', 'json') ? undefined : 'expected a reply with status and json';

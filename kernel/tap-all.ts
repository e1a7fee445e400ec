import {
  type HookName,
  hookNames,
  isReply,
  type Logger,
  type Ordered,
  type PluginInstance,
  passesJson,
  type ResponseTransform,
} from '../plugin-sdk/index.ts';
import type { Hooks } from './hooks.ts';
import type { PlannedPlugin } from './load-plugins.ts';
import { type Taken, type Tap, toObserver, toTap } from './tap.ts';

type Up = readonly { readonly plugin: PlannedPlugin; readonly instance: PluginInstance }[];

/** Which plugins run in each hook, in order. */
export type HookOrder = Readonly<Record<HookName, readonly string[]>>;

export interface TakenByHandler {
  readonly plugin: string;
  readonly hook: HookName;
  readonly taken: Taken;
}

const stages = { pre: -1, post: 1 } as const;

/** Taps every handler in final order: plugins are sorted already, `pre` and `post` are tapable stages. */
export function tapAll(
  hooks: Hooks,
  up: Up,
  taken: TakenByHandler[],
  defaultTimeoutMs: number,
  log: Logger,
): HookOrder {
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
      const { json, stream, usage } = handler as ResponseTransform;
      if (json !== passesJson)
        hooks.transformJson.tapAsync(name, toTap({ ...base, check: checkJsonReply }, json as never));
      hooks.transformStream.push({ plugin: name, factory: stream });
      if (usage !== undefined) hooks.transformUsage.push({ plugin: name, face: usage });
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

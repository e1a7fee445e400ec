import {
  type HookName,
  hookNames,
  type Logger,
  type Ordered,
  type PluginInstance,
  passesJson,
  type Reply,
  type ResponseTransform,
} from '../plugin-sdk/index.ts';
import { loadOnUse } from '../plugin-sdk/load-on-use.ts';
import type { Hooks } from './hooks.ts';
import type { PlannedPlugin } from './load-plugins.ts';
import { jsonReplyFault, keyFault, replyFault, requestFault } from './result-fault.ts';
import { SeenReply } from './seen-reply.ts';
import { type Taken, type Tap, type Timed, toObserver, toTap } from './tap.ts';

const flows = loadOnUse<typeof import('./plugin-flow.ts')>(import.meta.url, './plugin-flow');

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
      return hooks.preRoute.tapAsync(
        name,
        toTap({ ...base, check: replyFault, accept: heldToAccount }, handler as never),
      );
    case 'transformRequest':
      return hooks.transformRequest.tapAsync(name, toTap({ ...base, check: requestFault }, handler as never));
    case 'selectKey':
      return hooks.selectKey.tapAsync(name, toTap({ ...base, check: keyFault }, handler as never));
    case 'execute':
      return hooks.execute.tapAsync(
        name,
        toTap({ ...base, check: replyFault, accept: heldToAccount }, handler as never),
      );
    case 'transformResponse': {
      const { json, stream, usage } = handler as ResponseTransform;
      if (json !== passesJson)
        hooks.transformJson.tapAsync(name, toTap({ ...base, check: jsonReplyFault, accept: noted }, json as never));
      hooks.transformStream.push({ plugin: name, factory: stream });
      if (usage !== undefined) hooks.transformUsage.push({ plugin: name, face: usage });
      return;
    }
    case 'postLog':
      return hooks.postLog.tapAsync(name, toObserver(base, handler as never));
  }
}

/** What comes of a reply later is still its maker's affair. */
function heldToAccount(reply: unknown, tap: Tap): unknown {
  const { type } = (reply as Reply).body;
  return type === 'flow' || type === 'events' ? flows().blamedReply(reply as Reply, tap) : reply;
}

/** Whether it can be written is known at the end. */
function noted(reply: unknown, tap: Tap, exchange: Timed): unknown {
  if (!(reply instanceof SeenReply)) exchange.changedBy = tap;
  return reply;
}

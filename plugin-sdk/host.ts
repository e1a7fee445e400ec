import type { FlatHeaders } from './headers.ts';
import type { KeyHealth } from './key-health.ts';
import type { Logger } from './logger.ts';
import type { MaybePromise } from './maybe.ts';
import type { Port } from './ports.ts';
import type { Provider, UpstreamRequest } from './provider.ts';
import type { Slot } from './slot.ts';

/** What the kernel gives a plugin. Everything a plugin reaches beyond its own options comes through here. */
export interface Host {
  /** The plugin's key in the config. */
  readonly plugin: string;
  readonly log: Logger;
  /** Folder for everything that is stored; made when first used. */
  readonly dataDir: string;
  readonly clock: Clock;
  /** Names the running config; every reply says it in `x-bf-config`. */
  readonly generation: string;
  /** The gateway is closing: start nothing new, let end what runs. */
  readonly draining: boolean;
  /** The implementation of a port that this plugin requires. Throws GatewayError PLUGIN_MISSING when nobody provides it. */
  port<T>(port: Port<T>): T;
  /** The same, or `undefined` when the config has nobody to provide it. */
  findPort<T>(port: Port<T>): T | undefined;
  /** Configured providers by instance name. Complete once every plugin is set up: read it at request time. */
  readonly providers: ReadonlyMap<string, Provider>;
  /** Health of keys and providers, for plugins that choose or show them. */
  readonly keyHealth: KeyHealth;
  /**
   * A thing that outlives a reload (a database, a pool): made once per key and process, closed when no generation uses
   * it any more.
   */
  shared<T>(key: string, create: () => T, close: (value: T) => MaybePromise<void>): T;
  /** One guarded HTTP call: connection checks, time limit, body limit. */
  fetch(request: UpstreamRequest, limits?: { timeoutMs?: number; bodyBytes?: number }): Promise<FetchedReply>;
  /** Runs a request through this gateway's own routes and hooks, as a client would, and waits for the whole reply. */
  run(request: InternalRequest): Promise<FetchedReply>;
  /** Whether an admin token is good for a scope: for pages with a sign-in of their own. */
  allowsAdmin(token: string, scope: 'read' | 'write'): boolean;
  /** Facts of the running gateway, for pages and metrics. */
  inspect(): GatewayView;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds, monotonic. */
  monotonic(): number;
  /** Calls back after `ms`; returns what takes it back. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
}

export interface FetchedReply {
  readonly status: number;
  readonly headers: FlatHeaders;
  readonly body: Buffer;
}

export interface InternalRequest {
  readonly method: string;
  /** Path with query, as a client would send it: `/openai/v1/chat/completions`. */
  readonly url: string;
  readonly headers: FlatHeaders;
  readonly body: Buffer | undefined;
  /** Slots to set on the exchange before its first hook, such as who asks. */
  readonly slots?: readonly SlotValue[];
  /** Stops the exchange, as a client that leaves does. */
  readonly signal?: AbortSignal;
  /** Called when the first byte is about to be sent upstream. */
  readonly onSent?: () => void;
}

export interface SlotValue {
  readonly slot: Slot<unknown>;
  readonly value: unknown;
}

export function slotValue<T>(slot: Slot<T>, value: T): SlotValue {
  return { slot, value };
}

/** What the running gateway looks like: for `plan`, the admin API and the dashboard. */
export interface GatewayView {
  readonly generation: string;
  readonly startedAt: number;
  readonly openExchanges: number;
  readonly plugins: readonly PluginView[];
  readonly hooks: readonly { readonly hook: string; readonly plugins: readonly string[] }[];
  /** What each handler has taken since this config runs, in hook order. Transforms of streams are not among them. */
  readonly handlers: readonly HandlerView[];
  readonly routes: readonly RouteView[];
  readonly providers: readonly ProviderView[];
  /** Connections to upstreams, of this process. */
  readonly connections: readonly ConnectionsView[];
  /** The running config with every credential shown as `[secret]`. */
  readonly config: unknown;
}

export interface PluginView {
  readonly id: string;
  readonly definition: string;
  /** Loaded because another plugin needs it, not because the config names it. */
  readonly implied: boolean;
  readonly setupMs: number;
}

export interface HandlerView {
  readonly plugin: string;
  readonly hook: string;
  readonly runs: number;
  /** Throws, time-outs and wrong results; refusals are none. */
  readonly failures: number;
  /** Milliseconds over all runs, with what they waited for. */
  readonly totalMs: number;
  readonly maxMs: number;
}

export interface ConnectionsView {
  readonly origin: string;
  readonly open: number;
  /** Calls that run on them. */
  readonly busy: number;
}

export interface RouteView {
  readonly method: string;
  readonly path: string;
  readonly plugin: string;
  readonly operation: string | undefined;
  readonly guards: readonly string[];
}

export interface ProviderView {
  readonly name: string;
  readonly definition: string;
  readonly baseUrl: string;
  readonly keys: readonly string[];
}

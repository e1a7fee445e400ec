import {
  type Clock,
  collect,
  type FetchedReply,
  GatewayError,
  type GatewayView,
  type Host,
  type InternalRequest,
  type KeyHealth,
  type Port,
  type UpstreamRequest,
} from '../plugin-sdk/index.ts';
import type { PlannedPlugin } from './load-plugins.ts';
import type { Registered } from './set-up.ts';
import type { SharedThings } from './shared.ts';
import type { Connections } from './upstream/connections.ts';
import { send } from './upstream/send.ts';

/** What all hosts of one generation share. */
export interface HostContext {
  readonly generation: string;
  readonly dataDir: string;
  readonly registered: Registered;
  readonly shared: SharedThings;
  readonly usedKeys: string[];
  readonly connections: Connections;
  readonly keyHealth: KeyHealth;
  readonly clock: Clock;
  readonly log: (plugin: string) => Host['log'];
  draining(): boolean;
  run(request: InternalRequest): Promise<FetchedReply>;
  allowsAdmin: Host['allowsAdmin'];
  inspect(): GatewayView;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** The kernel as one plugin sees it. */
export function createHost(plugin: PlannedPlugin, context: HostContext): Host {
  const { registered, shared } = context;
  const findPort = <T>(port: Port<T>): T | undefined => registered.ports.get(port.capability) as T | undefined;
  return {
    plugin: plugin.id,
    log: context.log(plugin.id),
    dataDir: context.dataDir,
    clock: context.clock,
    generation: context.generation,
    get draining() {
      return context.draining();
    },
    providers: registered.providers,
    keyHealth: context.keyHealth,
    findPort,
    port(port) {
      const found = findPort(port);
      if (found === undefined)
        throw new GatewayError('PLUGIN_MISSING', { plugin: plugin.id, capability: port.capability });
      return found;
    },
    shared(key, create, close) {
      const value = shared.use(key, create, close);
      context.usedKeys.push(key);
      return value;
    },
    fetch: (request, limits) =>
      fetchWhole(request, context.connections, limits?.timeoutMs ?? 30_000, limits?.bodyBytes ?? 10_485_760),
    run: (request) => context.run(request),
    allowsAdmin: (token, scope) => context.allowsAdmin(token, scope),
    inspect: () => context.inspect(),
  };
}

/** One guarded call, read whole. Throws GatewayError UP_CONNECT, UP_RESET, UP_TIMEOUT, UP_BAD_BODY, GUARD_HOST. */
async function fetchWhole(
  request: UpstreamRequest,
  connections: Connections,
  timeoutMs: number,
  bodyBytes: number,
): Promise<FetchedReply> {
  const { provider } = request;
  let stop: ((reason: Error) => void) | undefined;
  const late = new GatewayError('UP_TIMEOUT', { provider, what: 'no answer', ms: timeoutMs });
  const timer = setTimeout(() => stop?.(late), timeoutMs);
  try {
    const reply = await send(request, connections, Math.min(timeoutMs, 10_000), (abort) => {
      stop = abort;
    });
    stop = (reason) => reply.cut(reason);
    const reason = `it is larger than ${bodyBytes} bytes`;
    const body = await collect(reply, bodyBytes, () => new GatewayError('UP_BAD_BODY', { provider, reason }));
    return { status: reply.status, headers: reply.headers, body };
  } finally {
    clearTimeout(timer);
  }
}

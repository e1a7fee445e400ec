import type { buildConnector as Connecting, Dispatcher, Client as UndiciClient, Pool as UndiciPool } from 'undici';
import { checkHost, guardedLookup } from './egress.ts';
import { hearLastWords } from './last-words.ts';
import { buildConnector, Client, Pool } from './undici.ts';

const maxPools = 1_000;

/** When the connection that an error broke had been opened: milliseconds, monotonic. */
const openedAt = new WeakMap<Error, number>();

/** A call that was on its way for longer had reached an upstream, which may have begun to work on it. */
const crossingMs = 1_000;

/** How a connection ends that was closed elsewhere; UND_ERR_SOCKET is undici's word for an end without an error. */
const closedElsewhere: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/**
 * True when an error broke a connection that was open before `startedAt`, soon after: an upstream may close an idle one
 * at the very moment at which the next call is written to it. Such a failure says nothing about the upstream.
 */
export function brokeOlderConnection(error: Error, startedAt: number): boolean {
  const opened = openedAt.get(error);
  if (opened === undefined || opened >= startedAt || performance.now() - startedAt > crossingMs) return false;
  return closedElsewhere.has((error as NodeJS.ErrnoException).code);
}

/**
 * Keep-alive connections to upstreams, one pool per origin, shared by all generations of a process.
 *
 * HTTP/1.1 only: HTTP/2 costs four times the CPU in Node and sends one POST at a time per connection. No limit on
 * connections, because POSTs are not pipelined: a limit would queue behind slow answers.
 */
export class Connections {
  readonly #pools = new Map<string, UndiciPool>();

  /** Throws GatewayError GUARD_HOST for an origin that may not be called. */
  to(origin: string, privateAddresses: boolean, connectMs: number): UndiciPool {
    const key = `${privateAddresses ? 'any' : 'public'} ${connectMs} ${origin}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    if (!privateAddresses) checkHost(new URL(origin).hostname);
    if (this.#pools.size >= maxPools) this.#dropOldest();
    const pool = new Pool(origin, { ...optionsOf(privateAddresses, connectMs), connections: null });
    this.#pools.set(key, pool);
    return pool;
  }

  /** Makes one call on a connection of its own, which is closed behind it. */
  dispatchOnce(
    origin: string,
    privateAddresses: boolean,
    connectMs: number,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): void {
    const client = new Client(origin, optionsOf(privateAddresses, connectMs));
    client.dispatch(options, handler);
    void client.close();
  }

  /** Pool sizes for metrics. */
  stats(): { readonly origin: string; readonly open: number; readonly busy: number }[] {
    return [...this.#pools].map(([key, { stats }]) => ({
      origin: key.slice(key.lastIndexOf(' ') + 1),
      open: stats.connected,
      busy: stats.running,
    }));
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #dropOldest(): void {
    const [key, pool] = this.#pools.entries().next().value!;
    this.#pools.delete(key);
    void pool.close();
  }
}

function optionsOf(privateAddresses: boolean, connectMs: number): UndiciClient.Options {
  return {
    pipelining: 1,
    allowH2: false,
    // The attempt loop has its own time limits; undici's would end long reasoning calls after 300 s.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 600_000,
    maxHeaderSize: 65_536,
    connect: datedConnector({ timeout: connectMs, ...(privateAddresses ? {} : { lookup: guardedLookup }) }),
  };
}

/** undici's connector, whose connections remember when they were opened. */
function datedConnector(options: Connecting.BuildOptions): Connecting.connector {
  const connect = buildConnector(options);
  return (target, callback) =>
    connect(target, (...[error, socket]: Parameters<typeof callback>) => {
      if (error !== null || socket === null) return callback(error as Error, null);
      hearLastWords(socket);
      const opened = performance.now();
      // Before undici's own listener: it passes the same error on.
      socket.prependListener('error', (cause: Error) => openedAt.set(cause, opened));
      callback(null, socket);
    });
}

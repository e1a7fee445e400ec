import { Connection, type ConnectionOwner } from './connection.ts';
import type { Target } from './dial.ts';
import { checkHost, guardedLookup } from './egress.ts';
import { plainLookup } from './lookup.ts';

const mostPools = 1_000;
const sweepMs = 5_000;

/** Where connections go to, and what they are allowed. */
export interface Origin {
  /** Such as `https://api.openai.com`. */
  readonly origin: string;
  /** Private addresses may be called: the config of a provider names the origin. */
  readonly privateAddresses: boolean;
  readonly connectMs: number;
}

/**
 * Keep-alive connections to upstreams, one pool per origin, shared by all generations of a process.
 *
 * HTTP/1.1 only: HTTP/2 costs four times the CPU in Node. No limit on connections, because calls are not pipelined: a
 * limit would queue behind slow answers.
 */
export class Connections {
  readonly #pools = new Map<string, Pool[]>();
  #count = 0;
  #sweep: NodeJS.Timeout | undefined = undefined;

  /** The pool of an origin. Throws GatewayError GUARD_HOST for one that may not be called. */
  to(where: Origin): Pool {
    const known = this.#pools.get(where.origin);
    const found = known?.find((pool) => pool.serves(where));
    if (found !== undefined) return found;
    const pool = new Pool(where);
    if (this.#count >= mostPools) this.#dropUnused();
    this.#pools.set(where.origin, [...(this.#pools.get(where.origin) ?? []), pool]);
    this.#count += 1;
    this.#sweep ??= setInterval(() => this.#dropExpired(), sweepMs).unref();
    return pool;
  }

  /** Pool sizes for metrics. */
  stats(): { readonly origin: string; readonly open: number; readonly busy: number }[] {
    return [...this.#pools.values()].flat().map(({ origin, open, busy }) => ({ origin, open, busy }));
  }

  /** Ends every connection, with whatever is on it. */
  close(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    for (const pool of [...this.#pools.values()].flat()) pool.destroy();
    this.#pools.clear();
    this.#count = 0;
  }

  /** Forgets the oldest origin that no call is made to; with a call on each, all are kept. */
  #dropUnused(): void {
    for (const [origin, pools] of this.#pools) {
      if (pools.some(({ busy }) => busy > 0)) continue;
      this.#pools.delete(origin);
      this.#count -= pools.length;
      for (const pool of pools) pool.destroy();
      return;
    }
  }

  #dropExpired(): void {
    for (const pool of [...this.#pools.values()].flat()) pool.dropExpired();
  }
}

/** The connections to one origin. The one used last is used next, so that a quiet time lets the others go. */
export class Pool implements ConnectionOwner {
  readonly origin: string;
  /** As the `host` header has it. */
  readonly host: string;
  readonly #where: Origin;
  readonly target: Target;
  readonly #all = new Set<Connection>();
  #idle: Connection[] = [];
  #isClosed = false;

  constructor(where: Origin) {
    const { hostname, host, port, protocol } = new URL(where.origin);
    if (!where.privateAddresses) checkHost(hostname);
    const isSecure = protocol === 'https:';
    this.#where = where;
    this.origin = where.origin;
    this.host = host;
    this.target = {
      isSecure,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (isSecure ? 443 : 80) : Number(port),
      lookup: where.privateAddresses ? plainLookup : guardedLookup,
      connectMs: where.connectMs,
      session: undefined,
    };
  }

  get open(): number {
    return this.#all.size;
  }

  get busy(): number {
    return this.#all.size - this.#idle.length;
  }

  serves({ privateAddresses, connectMs }: Origin): boolean {
    return this.#where.privateAddresses === privateAddresses && this.#where.connectMs === connectMs;
  }

  /** A connection for the next call: a kept one if there is one. */
  take(): Connection {
    const now = performance.now();
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return this.fresh();
      if (connection.isOpen && connection.expiresAt > now) return connection;
      connection.destroy();
    }
  }

  /** A connection that nothing was sent on. */
  fresh(): Connection {
    const connection = new Connection(this.target, this);
    this.#all.add(connection);
    return connection;
  }

  released(connection: Connection, keptMs: number): void {
    if (this.#isClosed) return connection.destroy();
    connection.expiresAt = performance.now() + keptMs;
    this.#idle.push(connection);
  }

  closed(connection: Connection): void {
    this.#all.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place !== -1) this.#idle.splice(place, 1);
  }

  dropExpired(): void {
    const now = performance.now();
    const expired = this.#idle.filter(({ expiresAt }) => expiresAt <= now);
    if (expired.length === 0) return;
    this.#idle = this.#idle.filter(({ expiresAt }) => expiresAt > now);
    for (const connection of expired) connection.destroy();
  }

  /** Ends every connection, with the call on it. */
  destroy(): void {
    this.#isClosed = true;
    this.#idle = [];
    for (const connection of this.#all) connection.cut(new Error('the gateway closes its connections'));
  }
}

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { DirectClient } from './direct-client.ts';
import { DirectConnection, type DirectOwner } from './direct-connection.ts';

const sweepMs = 5_000;
/** How long a new connection may take until its first request, when idle ones are closed. */
const freshMs = 1_000;

export interface DirectOptions {
  /** Takes the connections that are not served here. */
  readonly server: Server;
  readonly headerBytes: number;
  /** Milliseconds that a connection may wait for its next request. */
  readonly keptMs: number;
  /** Starts an exchange. False when the request is for nobody here; nothing was read or written then. */
  serve(client: DirectClient): boolean;
  /** No request should follow. */
  isDraining(): boolean;
}

/** The connections of a listener that are served without node's request and response objects, and how long they stay. */
export class DirectConnections implements DirectOwner {
  readonly headerBytes: number;
  readonly serve: (client: DirectClient) => boolean;
  readonly #options: DirectOptions;
  readonly #open = new Set<DirectConnection>();
  readonly #sweep: NodeJS.Timeout;

  constructor(options: DirectOptions) {
    this.#options = options;
    this.headerBytes = options.headerBytes;
    this.serve = options.serve;
    this.#sweep = setInterval(() => this.#closeIdle(options.keptMs + 1_000), sweepMs).unref();
  }

  add(socket: Socket): void {
    this.#open.add(new DirectConnection(socket, this));
  }

  keptSeconds(): number {
    return this.#options.isDraining() ? 0 : Math.floor(this.#options.keptMs / 1_000);
  }

  handOver(connection: DirectConnection, unread: readonly Buffer[]): void {
    this.#open.delete(connection);
    const { socket } = connection;
    socket.pause();
    for (let i = unread.length; i > 0; i--) socket.unshift(unread[i - 1]);
    this.#options.server.emit('connection', socket);
    socket.resume();
  }

  closed(connection: DirectConnection): void {
    this.#open.delete(connection);
  }

  closeIdle(): void {
    this.#closeIdle(0);
  }

  closeAll(): void {
    for (const { socket } of this.#open) socket.destroy();
  }

  stop(): void {
    clearInterval(this.#sweep);
  }

  #closeIdle(idleMs: number): void {
    const now = performance.now();
    for (const { isIdle, isFresh, idleSince, socket } of this.#open) {
      // The request of a client that has just connected is on its way.
      if (isIdle && now - idleSince >= (isFresh ? Math.max(idleMs, freshMs) : idleMs)) socket.destroy();
    }
  }
}

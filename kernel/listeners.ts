import { createServer, type Server, type Socket } from 'node:net';

/** Listening sockets per process: each event loop turn accepts one connection per socket. */
const sockets = process.platform === 'linux' ? 8 : 1;

export interface Listeners {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Listens with several sockets on one port. libuv accepts one connection per socket and loop turn, and each turn also
 * serves everyone accepted before: with a single socket a thousand clients that connect at once wait more than a second.
 *
 * `shared`: other processes of this gateway listen on the port too, so nothing checks whether it is taken.
 * Rejects with the system's error when it cannot listen.
 */
export async function openListeners(
  host: string,
  port: number,
  shared: boolean,
  onConnection: (socket: Socket) => void,
): Promise<Listeners> {
  // Sockets that share a port would also share it with a second gateway, started by mistake: an exclusive one tells.
  const probed = shared ? port : await probe(host, port);
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  };
  try {
    for (let i = 0; i < sockets; i++) servers.push(await listen(host, probed, sockets > 1 || shared, onConnection));
  } catch (error) {
    await close();
    throw error;
  }
  return { port: probed, close };
}

/** Checks that the port is free and gives its number, which for port 0 the system chooses. */
export async function probe(host: string, port: number): Promise<number> {
  const server = await listen(host, port, false, (socket) => socket.destroy());
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : port;
}

function listen(
  host: string,
  port: number,
  reusePort: boolean,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    // http.Server sets no delay and keeps half-open connections; sockets handed to it must be made the same way.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
    // Also hears of later connections that the system could not hand over, for want of file descriptors say; others will come.
    server.on('error', reject);
    server.listen({ host, port, backlog: 4_096, reusePort, exclusive: true }, () => resolve(server));
  });
}

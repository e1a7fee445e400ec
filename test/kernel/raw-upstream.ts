import { type AddressInfo, createServer, type Socket } from 'node:net';

/** One call as it reached the upstream; `body` grows as long as bytes come. */
export interface RawSeen {
  readonly socket: Socket;
  readonly head: string;
  /** Calls on this connection before this one. */
  readonly earlier: number;
  /** Resolves when the declared body has come. */
  readonly whole: Promise<void>;
}

export interface RawUpstream {
  readonly url: string;
  /** The head of every request seen. */
  readonly heads: readonly string[];
  /** Connections opened so far. */
  readonly connections: number;
  /** Options of a provider that points here, with one key. */
  provider(more?: Record<string, unknown>): Record<string, unknown>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** An upstream of bytes: `answer` is called with the head of each request and writes whatever it likes, HTTP or not. */
export async function rawUpstream(answer: (seen: RawSeen) => void): Promise<RawUpstream> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    let pending = '';
    let missing = 0;
    let earlier = 0;
    let arrived = (): void => {};
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      for (;;) {
        const taken = Math.min(missing, pending.length);
        pending = pending.slice(taken);
        missing -= taken;
        if (missing > 0) return;
        arrived();
        const end = pending.indexOf('\r\n\r\n');
        if (end === -1) return;
        const head = pending.slice(0, end);
        pending = pending.slice(end + 4);
        missing = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
        heads.push(head);
        const whole = new Promise<void>((resolve) => {
          arrived = resolve;
        });
        answer({ socket, head, earlier, whole });
        earlier += 1;
      }
    });
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    heads,
    get connections() {
      return connections;
    },
    provider: (more = {}) => ({ baseUrl: url, keys: [{ name: 'main', value: 'sk-upstream' }], ...more }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A whole HTTP/1.1 answer with a JSON body. */
export function jsonAnswer(json: unknown, status = '200 OK', headers = ''): string {
  const body = JSON.stringify(json);
  return `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface SocketUpstream {
  readonly url: string;
  readonly upgrades: readonly {
    readonly url: string;
    readonly headers: IncomingMessage['headers'];
    readonly socket: Socket;
  }[];
  /** Answers upgrades with this status instead of 101. */
  refuse(status: number, body: string): void;
  /** What happens as soon as an upgrade was accepted, instead of a session. */
  accepted: ((socket: Socket) => void) | undefined;
  /** What it says to the first frame of a connection, instead of the same. */
  greeting: string | undefined;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A WebSocket server that sends every text frame back; frames of less than 126 bytes only. */
export async function startSocketUpstream(): Promise<SocketUpstream> {
  const upgrades: { url: string; headers: IncomingMessage['headers']; socket: Socket }[] = [];
  let refusal: { status: number; body: string } | undefined;
  const server = createServer();
  const upstream = {
    url: '',
    upgrades,
    greeting: undefined as string | undefined,
    accepted: undefined as SocketUpstream['accepted'],
    refuse(status: number, body: string): void {
      refusal = { status, body };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const { socket } of upgrades) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('upgrade', (incoming, stream) => {
    const socket = stream as Socket;
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    upgrades.push({ url: incoming.url ?? '', headers: incoming.headers, socket });
    if (refusal !== undefined) {
      const { status, body } = refusal;
      refusal = undefined;
      socket.end(
        `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
      return;
    }
    const accept = createHash('sha1')
      .update(`${incoming.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    const protocol = incoming.headers['sec-websocket-protocol']?.split(',')[0]?.trim();
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\nx-request-id: up-1\r\nx-place: caf\xe9\r\n${protocol === undefined ? '' : `sec-websocket-protocol: ${protocol}\r\n`}\r\n`,
      'latin1',
    );
    if (upstream.accepted !== undefined) return upstream.accepted(socket);
    let { greeting } = upstream;
    let held: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (let read = unmask(held); read !== undefined; read = unmask(held)) {
        held = held.subarray(read.size);
        socket.write(frame(read.first, greeting === undefined ? read.payload : Buffer.from(greeting)));
        greeting = undefined;
        if ((read.first & 0x0f) === 8) socket.end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return upstream;
}

function frame(first: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, payload.length]), payload]);
}

/** One client frame (masked) off the front, or undefined when it is not there in full. */
function unmask(bytes: Buffer): { first: number; payload: Buffer; size: number } | undefined {
  if (bytes.length < 6) return undefined;
  const length = bytes[1]! & 0x7f;
  if (bytes.length < 6 + length) return undefined;
  const mask = bytes.subarray(2, 6);
  const payload = Buffer.from(bytes.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4]!));
  return { first: bytes[0]!, payload, size: 6 + length };
}

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FlatHeaders } from '../../plugin-sdk/index.ts';
import { writeHeaderLines } from '../header-lines.ts';
import { ServerResponse } from '../node-builtins.ts';
import { NodeClient } from './node-client.ts';

/** A caller that asks for a WebSocket: gets a plain HTTP reply, or its connection joined to the provider's. */
export class UpgradeClient extends NodeClient {
  readonly #socket: Socket;
  readonly #early: Buffer;
  #joined = false;

  /** `early`: what the client sent behind its request already. */
  constructor(incoming: IncomingMessage, socket: Socket, early: Buffer) {
    const outgoing = new ServerResponse(incoming);
    outgoing.shouldKeepAlive = false;
    outgoing.assignSocket(socket);
    outgoing.on('finish', () => socket.end());
    super(incoming, outgoing);
    this.#socket = socket;
    this.#early = early;
    socket.on('error', () => socket.destroy());
    // One who closes his side before there is an answer has left: half a WebSocket is none.
    socket.on('end', () => {
      if (!this.#joined) socket.destroy();
    });
    socket.on('close', () => {
      if (!this.#joined) this.onGone?.();
    });
  }

  override get upgrade(): boolean {
    return true;
  }

  override get headSent(): boolean {
    return this.#joined || super.headSent;
  }

  /** A plain HTTP reply before any exchange. */
  refuse(status: number, json: string): void {
    this.writeHead(status, ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(json))]);
    this.end(json);
  }

  override cut(): void {
    this.#socket.destroy();
  }

  /**
   * Answers 101 and lets bytes pass both ways, each side at the pace of the other, until either closes.
   * Resolves when both are closed.
   */
  join(headers: FlatHeaders, provider: Socket): Promise<void> {
    const socket = this.#socket;
    this.#joined = true;
    // Header texts have a character for each byte.
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${writeHeaderLines(headers)}\r\n`, 'latin1');
    if (this.#early.length > 0) provider.write(this.#early);
    for (const side of [socket, provider]) side.setTimeout(0).setNoDelay(true);
    provider.on('data', (chunk: Buffer) => {
      this.bytesOut += chunk.length;
    });
    // A WebSocket has no use for a connection that is half closed.
    provider.pipe(socket, { end: false }).on('error', () => socket.destroy());
    provider.on('end', () => socket.destroySoon());
    socket.pipe(provider, { end: false }).on('error', () => provider.destroy());
    socket.on('end', () => provider.destroySoon());
    return new Promise((resolve) => {
      let open = 2;
      const closed = (other: Socket) => (): void => {
        other.destroy();
        open -= 1;
        if (open === 0) resolve();
      };
      provider.on('close', closed(socket));
      socket.on('close', closed(provider));
      if (provider.destroyed) socket.destroy();
      if (socket.destroyed) provider.destroy();
    });
  }
}

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Incoming } from './client/incoming.ts';
import { UpgradeClient } from './client/upgrade-client.ts';
import type { Gateway } from './gateway.ts';

/** For `shouldUpgradeCallback`: other upgrades (h2c) are offers that a server may pass over; the call is answered as it stands. */
export function isWebSocket(incoming: Incoming): boolean {
  incoming.handOver();
  return incoming.headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Lets calls for a WebSocket take the way of every exchange: same routes, same hooks. `refusal` is the body for a path
 * without one. Returns what ends all connections that are still open.
 */
export function serveUpgrades(server: Server<typeof Incoming>, gateway: Gateway, refusal: string): () => void {
  const open = new Set<Socket>();
  server.on('upgrade', (incoming: Incoming, stream: Duplex, early: Buffer) => {
    const socket = stream as Socket;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    const client = new UpgradeClient(incoming, socket, early);
    if (client.url[0] !== '/' || !gateway.current.serve(client)) client.refuse(404, refusal);
  });
  return () => {
    for (const socket of open) socket.destroy();
  };
}

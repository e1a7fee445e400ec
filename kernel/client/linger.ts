import type { Socket } from 'node:net';

/** How long a client may go on sending what nobody wants, and how long it may be silent meanwhile. */
const mostMs = 30_000;
const silenceMs = 5_000;

/**
 * Closes a connection in two steps: only its sending side now, and the rest once the client has closed too. A connection
 * that is closed while a body still comes is reset, and a client that sends all before it reads would lose its answer.
 */
export function closeInSteps(socket: Socket): void {
  socket.end();
  const close = (): void => void socket.destroy();
  const timer = setTimeout(close, mostMs);
  socket.setTimeout(silenceMs, close);
  socket.on('close', () => clearTimeout(timer)).resume();
}

import type { Socket } from 'node:net';

/** How long a client may go on sending what nobody wants, and how long it may be silent meanwhile. */
const mostMs = 30_000;
const silenceMs = 5_000;

/**
 * Makes a connection close in two steps: after the answer only its sending side, and the rest once the client has closed
 * too. A connection that is closed while a body still comes is reset, and a client that sends all before it reads would
 * lose the answer with it.
 */
export function lingerOnClose(socket: Socket): void {
  const closeInSteps = (): void => {
    socket.end();
    const close = (): void => void socket.destroy();
    const timer = setTimeout(close, mostMs);
    socket.setTimeout(silenceMs, close);
    socket.on('close', () => clearTimeout(timer)).resume();
  };
  // What node calls behind an answer with `connection: close`.
  socket.destroySoon = closeInSteps;
}

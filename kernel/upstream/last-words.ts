import type { Socket } from 'node:net';

/** node's own has a callback that its types do not know. */
type Destroy = (this: Socket, error?: Error | null, done?: (error?: Error | null) => void) => Socket;

/** Connections whose failed write is known already. */
const hearing = new WeakSet<Socket>();

/**
 * Lets a connection that its peer closed during a write be read once more before it ends. A provider that does not want
 * a body (413, 401) answers and closes while the body is still being sent; node would report the failed write and drop
 * the answer, which has come already.
 */
export function hearLastWords(socket: Socket): void {
  socket.destroy = destroyLater as Socket['destroy'];
}

function destroyLater(this: Socket, ...of: Parameters<Destroy>): Socket {
  const destroy = (Object.getPrototypeOf(this) as { destroy: Destroy }).destroy;
  const [error] = of;
  if ((error as NodeJS.ErrnoException | undefined | null)?.syscall !== 'write' || hearing.has(this) || this.destroyed)
    return destroy.apply(this, of);
  hearing.add(this);
  // A failed write marks both sides as failed, and a failed side takes nothing in.
  (this as unknown as { _readableState: { errored: Error | null } })._readableState.errored = null;
  // The second comes behind a whole turn of the event loop, in which the socket is read.
  setImmediate(() => setImmediate(() => destroy.apply(this, of)));
  return this;
}

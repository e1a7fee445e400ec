import type { Socket } from 'node:net';

/** node's own has a callback that its types do not know. */
type Destroy = (this: Socket, error?: Error, done?: (error?: Error | null) => void) => Socket;

/**
 * Lets a connection that its peer closed during a write be read once more before it ends. A provider that does not want
 * a body (413, 401) answers and closes while the body is still being sent; node would report the failed write and drop
 * the answer, which has come already.
 */
export function hearLastWords(socket: Socket): void {
  const destroy: Destroy = socket.destroy;
  let hearing = false;
  const destroyLater: Destroy = (error, done) => {
    if ((error as NodeJS.ErrnoException | undefined)?.syscall !== 'write' || hearing || socket.destroyed)
      return destroy.call(socket, error, done);
    hearing = true;
    // A failed write marks both sides as failed, and a failed side takes nothing in.
    (socket as unknown as { _readableState: { errored: Error | null } })._readableState.errored = null;
    // The second comes behind a whole turn of the event loop, in which the socket is read.
    setImmediate(() => setImmediate(() => destroy.call(socket, error, done)));
    return socket;
  };
  socket.destroy = destroyLater;
}

import { connect as connectPlain, isIP, type LookupFunction, type Socket, type TcpNetConnectOpts } from 'node:net';
import { Deadline } from '../deadline.ts';
import { hearLastWords } from './last-words.ts';

/** Where a connection goes to, and within what. */
export interface Target {
  readonly isSecure: boolean;
  readonly hostname: string;
  readonly port: number;
  /** Resolves the host name. */
  readonly lookup: LookupFunction;
  /** How long it may take until the connection (with TLS) stands; 0 means as long as it takes. */
  readonly connectMs: number;
  /** The last TLS session, which spares the next connection half of its handshake. */
  session: Buffer | undefined;
}

/** Every read lands here, one at a time, and is taken out before the next one; a buffer per read costs more than the read. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

/**
 * Opens a connection. `onRead` gets views of memory that is used anew as soon as it returns; without it, the socket is to
 * be read as any other.
 */
export function dial(target: Target, onRead?: (bytes: Buffer) => void): Socket {
  const { hostname, port, lookup } = target;
  const options: TcpNetConnectOpts = {
    host: hostname,
    port,
    lookup,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    ...(onRead === undefined ? {} : { onread: { buffer: readBuffer, callback: reading(onRead) } }),
  };
  const socket = target.isSecure ? secure(target, options) : connectPlain(options);
  hearLastWords(socket);
  limitConnecting(socket, target);
  return socket;
}

function reading(onRead: (bytes: Buffer) => void): (count: number) => boolean {
  return (count) => {
    onRead(readBuffer.subarray(0, count));
    return true;
  };
}

function secure(target: Target, options: TcpNetConnectOpts): Socket {
  const { hostname, session } = target;
  const socket = process.getBuiltinModule('node:tls').connect({
    ...options,
    ALPNProtocols: ['http/1.1'],
    // A certificate is for a name; an address has none to ask for.
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
    ...(session === undefined ? {} : { session }),
  });
  return socket.on('session', (given) => {
    target.session = given;
  });
}

function limitConnecting(socket: Socket, { isSecure, connectMs }: Target): void {
  if (connectMs <= 0) return;
  const opened = isSecure ? 'secureConnect' : 'connect';
  const deadline = new Deadline(connectMs, () => socket.destroy(new Error('no connection in time')));
  // Nothing of this stays with a connection that stands.
  const stop = (): void => {
    deadline.stop();
    socket.off(opened, stop).off('close', stop);
  };
  socket.on(opened, stop).on('close', stop);
}

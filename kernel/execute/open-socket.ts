import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import {
  type Dialect,
  type FlatHeaders,
  GatewayError,
  type Provider,
  type Reply,
  type UpstreamRequest,
} from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { Deadline } from '../deadline.ts';
import { SocketMeter } from '../meter/socket-meter.ts';
import { request as httpRequest } from '../node-builtins.ts';
import { dial, type Target } from '../upstream/dial.ts';
import { upstreamError } from '../upstream/upstream-error.ts';
import { revealed } from '../upstream/wire-request.ts';
import { problemReply } from './call.ts';
import type { Runtime } from './context.ts';

const errorBytes = 1_048_576;

/** What an upstream says to a call for a WebSocket. */
interface Answer {
  readonly status: number;
  readonly headers: FlatHeaders;
  /** The connection, when it says yes (101). */
  readonly socket: Socket | undefined;
  readonly body: Buffer;
}

/**
 * Asks the provider for a WebSocket. The reply has no body: whoever delivers it joins the two connections. A refusal is
 * the provider's own reply. Throws GatewayError UP_CONNECT, UP_RESET, UP_TIMEOUT, GUARD_HOST, CLIENT_GONE.
 */
export async function openSocket(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  request: UpstreamRequest,
  runtime: Runtime,
): Promise<Reply> {
  const { exchange } = attempt;
  const { status, headers, socket, body } = await ask(attempt, request, runtime);
  attempt.arrived();
  const base = { origin: 'upstream', status, headers, dialect } as const;
  if (socket !== undefined) {
    attempt.socket = socket;
    readAlong(attempt, dialect, socket);
    return { ...base, body: { type: 'none' } };
  }
  exchange.note('kernel', 'provider refused a WebSocket', { provider: provider.name, status });
  if (status < 400) return { ...base, body: { type: 'bytes', bytes: body } };
  return problemReply(attempt, dialect, status, body, headers);
}

/** The meter sees what the provider sends, from its first byte on. */
function readAlong(attempt: LiveAttempt, { meter }: Dialect, socket: Socket): void {
  if (meter.message === undefined) return;
  const reader = new SocketMeter(meter.message.bind(meter), (usage) => {
    attempt.usage = usage;
  });
  // Paused until it is joined to the client's: a listener would set it flowing before anyone takes what comes.
  socket.pause();
  socket.on('data', (chunk: Buffer) => reader.push(chunk));
}

/** Compression would make a session unreadable to the meter; to decline an extension is a server's right. */
function withoutExtensions(headers: string[]): string[] {
  return headers.filter((_, i) => headers[i - (i % 2)]!.toLowerCase() !== 'sec-websocket-extensions');
}

function ask(attempt: LiveAttempt, request: UpstreamRequest, runtime: Runtime): Promise<Answer> {
  const { exchange } = attempt;
  const { connectMs, firstContentMs } = exchange.policy.timeouts;
  const { provider } = request;
  return new Promise((resolve, reject) => {
    let stage: 'connecting' | 'asked' = 'connecting';
    let stopped: GatewayError | undefined;
    const { origin, privateAddresses } = request;
    const { target, host } = runtime.connections.to({ origin, privateAddresses, connectMs });
    exchange.onSent?.();
    const { socket, asking } = requestUpgrade(target, host, request);
    const dialledAt = performance.now();
    const fail = (cause: Error): void => {
      finish();
      asking.destroy();
      reject(stopped ?? upstreamError(provider, cause, stage));
    };
    const stop = (error: GatewayError): void => {
      stopped ??= error;
      fail(error);
    };
    const late = new GatewayError('UP_TIMEOUT', { provider, what: 'no answer', ms: firstContentMs });
    const deadline = new Deadline(firstContentMs, () => stop(late));
    const unlisten = exchange.onStop(stop);
    const finish = (): void => {
      deadline.stop();
      unlisten();
    };
    attempt.cancel = stop;
    socket.once(target.isSecure ? 'secureConnect' : 'connect', () => {
      stage = 'asked';
      attempt.connectMs = performance.now() - dialledAt;
    });
    asking.on('error', fail);
    asking.on('upgrade', ({ statusCode: status = 0, rawHeaders: headers }, _socket, first) => {
      finish();
      // No time limit ends a session that is open; the end of the gateway does.
      const ended = exchange.onStop(({ code }) => {
        if (code === 'GUARD_DRAINING' || code === 'CLIENT_GONE') socket.destroy();
      });
      socket.once('close', ended).on('error', () => socket.destroy());
      if (first.length > 0) socket.unshift(first);
      resolve({ status, headers, socket, body: Buffer.alloc(0) });
    });
    asking.on('response', (answering) => {
      const { statusCode: status = 0, rawHeaders: headers } = answering;
      let size = 0;
      const chunks: Buffer[] = [];
      answering.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= errorBytes) chunks.push(chunk);
      });
      answering.on('error', fail);
      answering.on('end', () => {
        finish();
        socket.destroy();
        resolve({ status, headers, socket: undefined, body: Buffer.concat(chunks) });
      });
    });
  });
}

/** node's own client writes and reads the handshake; whoever has the socket afterwards gets its bytes as they come. */
function requestUpgrade(
  target: Target,
  host: string,
  { provider, path, headers }: UpstreamRequest,
): { readonly socket: Socket; readonly asking: ClientRequest } {
  let socket: Socket | undefined;
  // A head that cannot be written is known before there is a connection, which nobody would end.
  const createConnection = (): Socket => {
    socket = dial(target);
    return socket;
  };
  const options = {
    createConnection,
    method: 'GET',
    path,
    setHost: false,
    headers: [
      'host',
      host,
      'connection',
      'upgrade',
      'upgrade',
      'websocket',
      ...withoutExtensions(headers.map(revealed)),
    ],
  };
  try {
    const asking = httpRequest(options).end();
    return { asking, socket: socket! };
  } catch (error) {
    throw upstreamError(provider, error as Error, 'connecting');
  }
}

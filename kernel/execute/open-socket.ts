import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
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
import { revealed } from '../send.ts';
import { upstreamError } from '../upstream-error.ts';
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
  const problem = dialect.decodeError(status, body, headers);
  return { ...base, problem, body: { type: 'bytes', bytes: body } };
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
  return new Promise((resolve, reject) => {
    let status = 0;
    let head: FlatHeaders = [];
    let size = 0;
    const chunks: Buffer[] = [];
    let controller: Dispatcher.DispatchController | undefined;
    let stopped: GatewayError | undefined;
    const stop = (error: GatewayError): void => {
      stopped ??= error;
      controller?.abort(error);
      finish();
      reject(error);
    };
    const late = new GatewayError('UP_TIMEOUT', { provider: request.provider, what: 'no answer', ms: firstContentMs });
    const deadline = new Deadline(firstContentMs, () => stop(late));
    const unlisten = exchange.onStop(stop);
    const finish = (): void => {
      deadline.stop();
      unlisten();
    };
    attempt.cancel = stop;
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (stopped !== undefined) started.abort(stopped);
      },
      onRequestUpgrade(upgraded, answered, _headers, socket) {
        finish();
        if (stopped !== undefined) socket.destroy();
        else
          resolve({ status: answered, headers: rawHeaders(upgraded), socket: socket as Socket, body: Buffer.alloc(0) });
      },
      onResponseStart(answering, answered) {
        if (answered < 200) return;
        status = answered;
        head = rawHeaders(answering);
      },
      onResponseData(_, chunk) {
        size += chunk.length;
        if (size <= errorBytes) chunks.push(chunk);
      },
      onResponseEnd() {
        finish();
        resolve({ status, headers: head, socket: undefined, body: Buffer.concat(chunks) });
      },
      onResponseError(_, cause) {
        finish();
        reject(stopped ?? upstreamError(request.provider, cause, false));
      },
    };
    exchange.onSent?.();
    const pool = runtime.connections.to(request.origin, request.privateAddresses, connectMs);
    pool.dispatch(
      {
        path: request.path,
        method: 'GET',
        headers: withoutExtensions(revealed(request.headers)),
        upgrade: 'websocket',
      },
      handler,
    );
  });
}

function rawHeaders(controller: Dispatcher.DispatchController): FlatHeaders {
  const { rawHeaders: raw } = controller as unknown as { rawHeaders: (Buffer | string)[] };
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { GatewayError, lowerNames, Secret } from '../plugin-sdk/index.ts';
import type { DirectClient } from './client/direct/direct-client.ts';
import { DirectConnections } from './client/direct/direct-connections.ts';
import { Incoming } from './client/incoming.ts';
import { NodeClient } from './client/node-client.ts';
import type { Config } from './config/config.ts';
import { admitOtherOrigins } from './cross-site.ts';
import type { Gateway } from './gateway.ts';
import { openListeners } from './listeners.ts';
import { createServer } from './node-builtins.ts';
import { pageListener } from './pages.ts';
import { newRequestId } from './request-id.ts';
import { isWebSocket, serveUpgrades } from './upgrade.ts';

const notAPath = new GatewayError('REQ_BAD_PATH', { reason: 'the request target must be a path' });

/** How long a connection may wait for its next request. */
const keptMs = 75_000;

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** No new connections; idle ones close, open ones finish. */
  stop(): Promise<void>;
  /** New connections get this certificate. Does nothing where one of the two is plain HTTP. */
  renew(tls: Config['server']['tls']): void;
}

export interface ListenOptions {
  /** Other processes of this gateway listen on the same port. */
  readonly shared?: boolean;
}

/** Listens for HTTP. Exchanges are routed by hono's router and write to node's response themselves; all else goes through hono's own path. */
export async function listen(
  gateway: Gateway,
  config: Config,
  { shared = false }: ListenOptions = {},
): Promise<Listening> {
  const { host, port, limits, tls } = config.server;
  const pages = pageListener(gateway);
  const onRequest = (incoming: Incoming, outgoing: ServerResponse): void => {
    incoming.handOver();
    // A client that keeps its connection open goes on elsewhere, after what it asks now.
    if (gateway.state !== 'running') outgoing.shouldKeepAlive = false;
    if (health(incoming, outgoing, gateway)) return;
    if (gateway.state === 'closed') return answer(outgoing, new GatewayError('GUARD_DRAINING', {}));
    if (gateway.current.loaded.config.server.allowCrossSite && admitOtherOrigins(incoming, outgoing)) return;
    const url = incoming.url ?? '/';
    if (url[0] !== '/') return answer(outgoing, notAPath);
    if (!gateway.current.serve(new NodeClient(incoming, outgoing))) void pages(incoming, outgoing);
  };
  const options = {
    IncomingMessage: Incoming,
    maxHeaderSize: limits.headerBytes,
    requireHostHeader: false,
    requestTimeout: 0,
    shouldUpgradeCallback: isWebSocket,
    headersTimeout: 60_000,
    keepAliveTimeout: keptMs,
  };
  const server: Server<typeof Incoming> =
    tls === undefined
      ? createServer(options, onRequest)
      : (await import('node:https')).createServer(
          { ...options, cert: tls.cert, key: Secret.reveal(tls.key) },
          onRequest,
        );
  // Without a listener node would answer 417 or nothing at all, in no shape that a client of ours knows.
  server.on('checkExpectation', onRequest);
  server.on('connect', (_incoming: IncomingMessage, socket: Duplex) =>
    writeRefusal(socket, '400 Bad Request', notAPath),
  );
  const endUpgraded = serveUpgrades(server, gateway, errorBody('There is no WebSocket endpoint here.', 'unknown_url'));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => onClientError(error, socket));
  // node starts to track connections (for header time limits and idle ones) when its server listens; this one never does itself.
  server.emit('listening');
  const direct = new DirectConnections({
    server,
    headerBytes: limits.headerBytes,
    keptMs,
    isDraining: () => gateway.state !== 'running',
    serve: (client) => !asksForNode(client, gateway) && gateway.current.serve(client),
  });
  const listeners = await openListeners(host, port, shared, (socket) => {
    if (tls === undefined) direct.add(socket);
    else server.emit('connection', socket);
  });
  return {
    port: listeners.port,
    url: urlOf(config.server, listeners.port),
    renew: (next) => {
      if (next !== undefined && 'setSecureContext' in server)
        (server as HttpsServer).setSecureContext({ cert: next.cert, key: Secret.reveal(next.key) });
    },
    stop: async () => {
      let sweeps = 0;
      const sweep = setInterval(() => {
        server.closeIdleConnections();
        direct.closeIdle();
        // A WebSocket may last for ever: once the drain is over, it ends.
        if (gateway.generations.size > 0) return;
        endUpgraded();
        // What a client has not taken a second after the end of all work, it will not take.
        if ((sweeps += 1) <= 20) return;
        server.closeAllConnections();
        direct.closeAll();
      }, 50);
      server.closeIdleConnections();
      direct.closeIdle();
      await listeners.close();
      clearInterval(sweep);
      direct.stop();
    },
  };
}

/** Where callers on this machine find the gateway. */
export function urlOf({ host, tls }: Config['server'], port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${tls === undefined ? 'http' : 'https'}://${shown}:${port}`;
}

/** Calls that {@link listen} answers before there is an exchange. */
function asksForNode({ headers, url }: DirectClient, gateway: Gateway): boolean {
  if (gateway.state === 'closed' || url === '/health' || url === '/ready') return true;
  return gateway.current.loaded.config.server.allowCrossSite && lowerNames(headers).includes('origin');
}

/** `/health` and `/ready` answer before everything else, so that no plugin can keep them from it. */
function health(incoming: IncomingMessage, outgoing: ServerResponse, gateway: Gateway): boolean {
  const { url } = incoming;
  if (url !== '/health' && url !== '/ready') return false;
  const ready = url === '/health' || gateway.state === 'running';
  outgoing.writeHead(ready ? 200 : 503, { 'content-type': 'application/json', 'x-request-id': newRequestId() });
  outgoing.end(JSON.stringify({ status: ready ? 'ok' : 'draining' }));
  return true;
}

function answer(outgoing: ServerResponse, error: GatewayError): void {
  outgoing.writeHead(error.status, {
    'content-type': 'application/json',
    connection: 'close',
    'x-request-id': newRequestId(),
  });
  outgoing.end(errorBody(error.text, error.openaiCode ?? ''));
}

/** What the HTTP parser refuses gets an answer in the same shape as every other error. */
function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // An answer that is on its way would take what is written here for its own bytes.
  const { _httpMessage: current } = socket as Socket & { readonly _httpMessage?: ServerResponse | null };
  if (error.code === 'ECONNRESET' || !socket.writable || current?.headersSent === true) {
    socket.destroy();
    return;
  }
  const [status, message, code] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? (['431 Request Header Fields Too Large', 'The request headers are too large.', 'headers_too_large'] as const)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? (['408 Request Timeout', 'The request headers did not arrive in time.', 'request_timeout'] as const)
        : (['400 Bad Request', 'The request is not valid HTTP/1.1.', 'invalid_http'] as const);
  writeRefusal(socket, status, { text: message, openaiCode: code });
}

/** An answer where node has made no response object. */
function writeRefusal(socket: Duplex, status: string, error: Pick<GatewayError, 'text' | 'openaiCode'>): void {
  const body = errorBody(error.text, error.openaiCode ?? '');
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${newRequestId()}`;
  socket.on('error', () => socket.destroy());
  socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`);
}

function errorBody(message: string, code: string): string {
  return JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code } });
}

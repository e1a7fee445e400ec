import {
  type ExchangeRoute,
  type FetchedReply,
  type FlatHeaders,
  GatewayError,
  type InternalRequest,
} from '../plugin-sdk/index.ts';
import { type AcceptOptions, accept } from './accept.ts';
import { MemoryClient } from './client/memory-client.ts';
import type { ExchangeRoutes } from './exchange-routes.ts';

/**
 * An exchange that a plugin starts: through the same route and hooks as a client's. Resolves with the whole reply,
 * whatever its status. Throws GatewayError REQ_UNKNOWN_ENDPOINT when no route serves it.
 */
export async function runInternal(
  request: InternalRequest,
  routes: ExchangeRoutes,
  options: AcceptOptions,
  track: (settled: Promise<void>) => void,
): Promise<FetchedReply> {
  const path = request.url.split('?', 1)[0]!;
  const route = routes.find(request.method, path);
  if (route === undefined) throw new GatewayError('REQ_UNKNOWN_ENDPOINT', { method: request.method, path, advice: '' });
  return exchangeInMemory(route, request, options, track);
}

function exchangeInMemory(
  route: ExchangeRoute,
  request: InternalRequest,
  options: AcceptOptions,
  track: (settled: Promise<void>) => void,
): Promise<FetchedReply> {
  return new Promise((resolve, reject) => {
    let head: { status: number; headers: FlatHeaders } = { status: 0, headers: [] };
    const chunks: Buffer[] = [];
    const client = new MemoryClient(
      request,
      (status, headers) => {
        head = { status, headers };
      },
      {
        push(chunk) {
          chunks.push(chunk);
          return true;
        },
        end: () => resolve({ ...head, body: Buffer.concat(chunks) }),
        fail: reject,
      },
    );
    const gone = (): void => {
      leave();
      reject(new GatewayError('CLIENT_GONE', {}));
    };
    let leave = (): void => {};
    const settled = accept(route, client, options, {
      slots: request.slots ?? [],
      onSent: request.onSent,
      onStart: (stop) => {
        leave = stop;
      },
    });
    if (request.signal?.aborted) gone();
    else request.signal?.addEventListener('abort', gone, { once: true });
    track(settled.finally(() => request.signal?.removeEventListener('abort', gone)));
  });
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gateway } from './gateway.ts';

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

/**
 * Serves the gateway's own endpoints by hono's adapter, which is loaded with the first of them: it brings Node's fetch and
 * HTTP/2 along.
 */
export function pageListener(gateway: Gateway): Listener {
  let listener: Promise<Listener> | undefined;
  const load = async (): Promise<Listener> => {
    const { getRequestListener } = await import('@hono/node-server');
    return getRequestListener((request) => gateway.current.handlers.fetch(request), { overrideGlobalObjects: false });
  };
  return async (incoming, outgoing) => (await (listener ??= load()))(incoming, outgoing);
}

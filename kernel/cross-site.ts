import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Lets a page of another origin read the reply that follows. Answers the question that a browser asks before such a page
 * calls; true when that was all.
 */
export function admitOtherOrigins({ method, headers }: IncomingMessage, outgoing: ServerResponse): boolean {
  if (headers.origin === undefined) return false;
  outgoing.setHeader('access-control-allow-origin', '*');
  outgoing.setHeader('access-control-expose-headers', '*');
  const wanted = headers['access-control-request-method'];
  if (method !== 'OPTIONS' || wanted === undefined) return false;
  outgoing.writeHead(204, {
    'access-control-allow-methods': wanted,
    // `*` would not stand for `authorization`.
    'access-control-allow-headers': headers['access-control-request-headers'] ?? '*',
    'access-control-allow-private-network': 'true',
    'access-control-max-age': '600',
  });
  outgoing.end();
  return true;
}

import type { Client } from './client/client.ts';
import type { Gateway } from './gateway.ts';

/**
 * Starts the exchange that a call is for, as hono's routes have it. False when none is: nothing was read or written then.
 * An upgrade is routed as the GET it is, and so is HEAD, which hono would answer by way of a promise.
 */
export function serve(gateway: Gateway, client: Client): boolean {
  const method = client.method === 'HEAD' ? 'GET' : client.method;
  const bare = { method, url: `http://gateway${client.url}` } as Request;
  // A matched exchange is answered in place; hono gives a promise only where nothing matched.
  return !(gateway.current.exchanges.fetch(bare, { client } as never) instanceof Promise);
}

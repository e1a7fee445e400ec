import { Hono } from 'hono';
import type { ExchangeRoute, Route } from '../plugin-sdk/index.ts';

const tables = new WeakMap<object, Hono>();
const routeOf = new WeakMap<Response, ExchangeRoute>();
/** What hono takes for a response and hands through; a real one would load Node's fetch. */
const newMark = (): Response => ({}) as Response;
const none = newMark();

/** The exchange route that serves a path, found as the server finds it. */
export function matchRoute(
  routes: readonly { readonly route: Route }[],
  method: string,
  path: string,
): ExchangeRoute | undefined {
  let table = tables.get(routes);
  if (table === undefined) {
    table = new Hono();
    for (const { route } of routes) {
      if (route.type !== 'exchange') continue;
      const mark = newMark();
      routeOf.set(mark, route);
      if (route.method === 'ALL') table.all(route.path, () => mark);
      else table.on(route.method, route.path, () => mark);
    }
    table.notFound(() => none);
    tables.set(routes, table);
  }
  const found = table.fetch({ method: method === 'HEAD' ? 'GET' : method, url: `http://gateway${path}` } as Request);
  return found instanceof Promise ? undefined : routeOf.get(found);
}

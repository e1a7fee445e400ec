import { type ExchangeRoute, RequestHeaders, type Route } from '../plugin-sdk/index.ts';

/** What to tell a caller whose path no route has: the same path beneath a mount that serves it, or else all mounts. */
export function endpointAdvice(routes: readonly Route[], method: string, path: string): string {
  const exchanges = routes.filter((route) => route.type === 'exchange');
  const meant = exchanges.find((route) => wouldServe(route, method, path));
  if (meant !== undefined) return `Did you mean ${meant.strip}${path}?`;
  const mounts = new Set(exchanges.map(({ strip }) => strip).filter((strip) => strip !== ''));
  for (const route of routes) if (route.type === 'handler') mounts.add(route.path.split('/', 2).join('/'));
  return mounts.size === 0 ? '' : `Endpoints are at ${[...mounts].join(', ')}.`;
}

function wouldServe({ strip, passthrough, resolve }: ExchangeRoute, method: string, path: string): boolean {
  if (passthrough === true || strip === '' || resolve === undefined) return false;
  try {
    resolve(strip + path, method, new RequestHeaders([]));
    return true;
  } catch {
    return false;
  }
}

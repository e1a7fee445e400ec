import { TrieRouter } from 'hono/router/trie-router';
import { getPath } from 'hono/utils/url';
import type { ExchangeRoute, Route } from '../plugin-sdk/index.ts';

/** Paths of which is known which route serves them. Most calls go to few; those that name files or jobs come and go. */
const mostKnown = 256;
const longestKnown = 128;

/** Which endpoint is an exchange, found by hono's router: a path means the same as in a hono app. */
export class ExchangeRoutes {
  readonly #router = new TrieRouter<Route>();
  readonly #known = new Map<string, ExchangeRoute>();

  /** Of all routes: a handler's may lie beneath an exchange's. */
  constructor(routes: readonly Route[]) {
    // The router gives what matches in the order in which it was told.
    for (const route of [...routes].sort(byReach)) this.#router.add(route.method, route.path, route);
  }

  /**
   * The exchange route that serves a call; where several routes would, the narrowest does. `undefined` where that is a
   * handler's, or there is none. HEAD is routed as the GET it is. `url`: path and query, as the client wrote them.
   */
  find(method: string, url: string): ExchangeRoute | undefined {
    const end = url.indexOf('?');
    const target = end < 0 ? url : url.slice(0, end);
    const call = `${method} ${target}`;
    const known = this.#known.get(call);
    if (known !== undefined) return known;
    const path = getPath({ url: `http://gateway${target}` } as Request);
    const [matches] = this.#router.match(method === 'HEAD' ? 'GET' : method, path);
    const route = matches[0]?.[0];
    if (route?.type !== 'exchange') return undefined;
    if (call.length <= longestKnown) {
      if (this.#known.size >= mostKnown) this.#known.clear();
      this.#known.set(call, route);
    }
    return route;
  }
}

/** First what has no wildcard, then what has the fewest parameters, then what leaves least of a path open. */
function byReach(first: Route, second: Route): number {
  const one = withoutExpressions(first.path);
  const other = withoutExpressions(second.path);
  const wildcards = Number(one.includes('*')) - Number(other.includes('*'));
  const parameters = one.split(':').length - other.split(':').length;
  return wildcards || parameters || other.length - one.length;
}

/** `/:name{.*}` is a parameter, whatever its expression looks like. */
function withoutExpressions(path: string): string {
  return path.replace(/\{[^}]+\}/g, '');
}

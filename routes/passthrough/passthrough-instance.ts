import {
  type Dialect,
  type Exchange,
  type ExchangeRoute,
  GatewayError,
  type GatewayRequest,
  type PluginInstance,
  type ResolvedPath,
} from '../../plugin-sdk/index.ts';
import { allowList } from './allow-list.ts';
import { checkPath } from './check-path.ts';
import { readPath } from './read-path.ts';

/** How one provider's own calls look, as data. */
export interface PassthroughCalls {
  /** Provider instance that serves them unless the config says otherwise. */
  readonly provider: string;
  /** Format of errors and usage where the path is not one of the known ones. */
  readonly dialect: Dialect;
  /** Its paths end with a verb: `/models/NAME:verb`. */
  readonly verbs?: boolean;
  /** Turns the path behind the prefix into what the provider expects, where clients write it in several ways. */
  readonly normalise?: (path: string) => string;
  /** JSON members of the reply to a path that hold URLs which the client calls next. */
  readonly urlMembers?: (path: string) => readonly string[] | undefined;
  /** Query parameters in which clients send their credential to a path. */
  readonly credentials?: (path: string) => readonly string[];
}

/** Where they are mounted, and what the config says of it. */
export interface PassthroughOptions {
  /** Whose mount it is, such as `routes/openai-passthrough`. */
  readonly plugin: string;
  readonly prefix: string;
  readonly provider: string;
  readonly allow?: readonly string[] | undefined;
  readonly rewriteUrls: boolean;
}

/**
 * What a passthrough mount adds to the gateway: its endpoint, and the hook that keeps credentials from going on. `others`
 * are endpoints of the same clients, which send their credentials there as well.
 */
export function passthroughInstance(
  calls: PassthroughCalls,
  options: PassthroughOptions,
  others: readonly ExchangeRoute[] = [],
): PluginInstance {
  const { dialect, credentials } = calls;
  const { plugin, prefix, provider, allow, rewriteUrls } = options;
  const check = allowList(plugin, allow);
  const route: ExchangeRoute = {
    type: 'exchange',
    method: 'ALL',
    path: `${prefix}/*`,
    dialect,
    operation: 'passthrough',
    defaultProvider: provider,
    passthrough: true,
    rewriteUrls,
    strip: prefix,
    resolve: (path, method) => resolve(calls, prefix, path, method, check),
  };
  const routes = [...others, route];
  if (credentials === undefined) return { routes };
  const mounted = new Set<Exchange['route']>(routes);
  return {
    routes,
    hooks: {
      // Plugins that identify the caller have read it by then.
      transformRequest: (request, exchange) =>
        mounted.has(exchange.route) ? withoutCredentials(request, credentials(request.path)) : undefined,
    },
  };
}

function resolve(
  calls: PassthroughCalls,
  prefix: string,
  url: string,
  method: string,
  check: (method: string, path: string) => void,
): ResolvedPath {
  if (!url.startsWith(`${prefix}/`) && url !== prefix)
    throw new GatewayError('REQ_UNKNOWN_ENDPOINT', {
      method,
      path: url,
      advice: `Paths are those of the provider, beneath ${prefix}.`,
    });
  const rest = url.slice(prefix.length);
  const path = calls.normalise?.(rest) ?? rest;
  checkPath(path);
  check(method, rest);
  const { dialect, operation, model, stream } = readPath(path, calls.verbs === true);
  const urlMembers = calls.urlMembers?.(path);
  return {
    path,
    stream,
    ...(dialect === undefined ? {} : { dialect }),
    ...(operation === undefined ? {} : { operation }),
    ...(model === undefined ? {} : { model }),
    ...(urlMembers === undefined ? {} : { urlMembers }),
  };
}

function withoutCredentials(request: GatewayRequest, names: readonly string[]): GatewayRequest | undefined {
  if (request.query === '') return undefined;
  const pairs = request.query.slice(1).split('&');
  const rest = pairs.filter((pair) => !names.includes(pair.split('=', 1)[0]!));
  if (rest.length === pairs.length) return undefined;
  return request.with({ query: rest.length === 0 ? '' : `?${rest.join('&')}` });
}

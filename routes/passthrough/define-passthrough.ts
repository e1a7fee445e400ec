import { z } from 'zod';
import {
  type Dialect,
  definePlugin,
  type Exchange,
  type ExchangeRoute,
  GatewayError,
  type GatewayRequest,
  type PluginDefinition,
  type ResolvedPath,
} from '../../plugin-sdk/index.ts';
import { allowList } from './allow-list.ts';
import { checkPath } from './check-path.ts';
import { readPath } from './read-path.ts';

/** One provider's passthrough mount, as data. */
export interface Passthrough {
  /** Its id, such as `routes/openai-passthrough`. */
  readonly name: string;
  readonly description: string;
  /** Where it is mounted unless the config says otherwise. */
  readonly prefix: string;
  /** Provider instance that serves it unless the config says otherwise. */
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

/** Defines a passthrough route: any method, path and body, to one provider and back, as they are. */
export function definePassthrough(passthrough: Passthrough): PluginDefinition {
  const { name, description, dialect, credentials } = passthrough;
  return definePlugin({
    name,
    description,
    options: z.strictObject({
      prefix: z
        .string()
        .regex(/^(\/[\w.~-]+)+$/, `expected a path such as ${passthrough.prefix}`)
        .default(passthrough.prefix)
        .describe('Where it is mounted; what follows is the path at the provider.'),
      provider: z.string().min(1).default(passthrough.provider).describe('Provider that serves it.'),
      allow: z
        .array(
          z
            .string()
            .regex(/^(\*|[A-Za-z]+)\s+[/*]\S*$/, 'expected a method and a path, such as POST /v1/chat/completions'),
        )
        .optional()
        .describe('The only calls that may pass, each `METHOD /path` with `*` for anything. Absent: all.'),
      rewriteUrls: z
        .boolean()
        .default(true)
        .describe(
          'URLs of the provider that a reply sends the client to (Location, upload and result URLs) lead back here.',
        ),
    }),
    setup({ prefix, provider, allow, rewriteUrls }) {
      const check = allowList(name, allow);
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
        resolve: (path, method) => resolve(passthrough, prefix, path, method, check),
      };
      if (credentials === undefined) return { routes: [route] };
      return {
        routes: [route],
        hooks: {
          // Plugins that identify the caller have read it by then.
          transformRequest: (request, exchange) => withoutCredentials(request, exchange, route, credentials),
        },
      };
    },
  });
}

function resolve(
  passthrough: Passthrough,
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
  const path = passthrough.normalise?.(rest) ?? rest;
  checkPath(path);
  check(method, rest);
  const { dialect, operation, model, stream } = readPath(path, passthrough.verbs === true);
  const urlMembers = passthrough.urlMembers?.(path);
  return {
    path,
    stream,
    ...(dialect === undefined ? {} : { dialect }),
    ...(operation === undefined ? {} : { operation }),
    ...(model === undefined ? {} : { model }),
    ...(urlMembers === undefined ? {} : { urlMembers }),
  };
}

function withoutCredentials(
  request: GatewayRequest,
  exchange: Exchange,
  route: ExchangeRoute,
  credentialsOf: (path: string) => readonly string[],
): GatewayRequest | undefined {
  if (exchange.route !== route || request.query === '') return undefined;
  const names = credentialsOf(request.path);
  const pairs = request.query.slice(1).split('&');
  const rest = pairs.filter((pair) => !names.includes(pair.split('=', 1)[0]!));
  if (rest.length === pairs.length) return undefined;
  return request.with({ query: rest.length === 0 ? '' : `?${rest.join('&')}` });
}

import { z } from 'zod';
import {
  type Dialect,
  definePlugin,
  type Exchange,
  type ExchangeRoute,
  GatewayError,
  type Operation,
  type Opinion,
  type PluginDefinition,
  type Reply,
  type ResolvedPath,
} from '../../plugin-sdk/index.ts';
import { type AnswerModels, answerLists } from '../models/answer-lists.ts';
import { mountPath } from '../mount-path.ts';
import { checkPath } from '../passthrough/check-path.ts';
import { type PassthroughCalls, passthroughInstance } from '../passthrough/passthrough-instance.ts';

/** An endpoint of a vendor's API behind which every configured provider may serve. */
export interface NativeEndpoint {
  readonly method: string;
  /** Which paths behind the prefix are routed here, in hono's syntax. */
  readonly path: string;
  /** The same as the client has to write it, with what {@link resolve} reads. */
  readonly pattern: RegExp;
  readonly operation: Operation;
  readonly dialect: Dialect;
  /** What a path says, from what the pattern found in it. */
  resolve(...found: string[]): ResolvedPath;
}

/** A vendor's own API with every provider behind it, as data. */
export interface NativeApi {
  /** Its id, such as `routes/anthropic`. */
  readonly name: string;
  readonly description: string;
  /** Where it is mounted unless the config says otherwise. */
  readonly prefix: string;
  readonly endpoints: readonly NativeEndpoint[];
  /** Where its clients look for the id of a request. */
  readonly idHeader?: string;
  /** How everything else goes to the vendor itself. */
  readonly calls: PassthroughCalls;
  /** Throws GatewayError REQ_INVALID for a call to one of the endpoints that cannot be answered as it is asked. */
  check?(exchange: Exchange): void;
  /** How calls to endpoints whose operation is `models` are answered. Loaded when somebody asks. */
  models(): AnswerModels;
}

/** Defines a route that speaks a vendor's own format to clients: its chat goes to any provider, all else to the vendor. */
export function defineNative(api: NativeApi): PluginDefinition {
  const { name, description, calls } = api;
  return definePlugin({
    name,
    description,
    options: z.strictObject({
      prefix: mountPath(api.prefix).describe('Where it is mounted; what follows is the path at the provider.'),
      provider: z
        .string()
        .min(1)
        .default(calls.provider)
        .describe('Serves models that name no provider, and all that is passed through.'),
    }),
    setup({ prefix, provider }, host) {
      const answer = answerLists(host, provider, api.models);
      const own = api.endpoints.map((endpoint) => mounted(api, endpoint, prefix, provider));
      const known = new Set<Exchange['route']>(own);
      const rest = passthroughInstance(calls, { plugin: name, prefix, provider, rewriteUrls: true }, own);
      return {
        ...rest,
        hooks: {
          ...rest.hooks,
          // After the plugins that identify the caller: a list shows only what the caller may use.
          preRoute: {
            order: 'post',
            handler(exchange): Opinion<Reply> {
              if (!known.has(exchange.route)) return;
              api.check?.(exchange);
              return exchange.operation === 'models' ? answer(exchange) : undefined;
            },
          },
        },
      };
    },
  });
}

function mounted({ idHeader }: NativeApi, endpoint: NativeEndpoint, prefix: string, provider: string): ExchangeRoute {
  const { method, path, pattern, operation, dialect, resolve } = endpoint;
  return {
    type: 'exchange',
    method,
    path: `${prefix}${path}`,
    operation,
    dialect,
    defaultProvider: provider,
    ...(idHeader === undefined ? {} : { idHeader }),
    strip: prefix,
    resolve(url) {
      const rest = url.slice(prefix.length);
      checkPath(rest);
      const found = pattern.exec(rest);
      // Routers decode, providers may not: the path would mean two things.
      if (found === null) throw new GatewayError('REQ_BAD_PATH', { reason: 'it encodes what needs no encoding' });
      return resolve(...found.slice(1));
    },
  };
}

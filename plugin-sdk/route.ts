import type { Context } from 'hono';
import type { Dialect } from './dialects/dialect.ts';
import type { RequestHeaders } from './headers.ts';
import type { Operation } from './operations.ts';

/** An HTTP endpoint. Every route passes the guard chain; `public: true` is the only way out. */
export type Route = ExchangeRoute | HandlerRoute;

/** An endpoint whose calls are exchanges: they go through the six hooks to a provider. */
export interface ExchangeRoute {
  readonly type: 'exchange';
  /** HTTP method, or `ALL`. */
  readonly method: string;
  /** Pattern in hono's syntax, such as `/openai/v1/chat/completions` or `/openai_passthrough/*`. */
  readonly path: string;
  /** The client's wire format; errors are written in it. */
  readonly dialect: Dialect;
  readonly operation: Operation;
  /** Provider instance that serves a model without a provider prefix. */
  readonly defaultProvider: string;
  /** True: the provider's bytes go to the client whatever they are, and errors of the provider are passed on as they are. */
  readonly passthrough?: boolean;
  /** Passthrough: URLs of the provider in reply headers, and in `urlMembers`, become URLs under `strip` here. */
  readonly rewriteUrls?: boolean;
  /**
   * Reads what the path says, once per call. Absent: the provider's path is the request's path without `strip`.
   * Throws GatewayError REQ_BAD_PATH or REQ_UNKNOWN_ENDPOINT.
   */
  resolve?(path: string, method: string, headers: RequestHeaders): ResolvedPath;
  /** Under what name clients of this API look for the id of a request, beside `x-request-id`. A provider's own is kept. */
  readonly idHeader?: string;
  /** Prefix to cut off the path, at a segment boundary. */
  readonly strip: string;
}

export interface ResolvedPath {
  /** Path for the provider, without mount and API version, such as `/chat/completions`. */
  readonly path: string;
  readonly operation?: Operation;
  readonly dialect?: Dialect;
  readonly model?: string;
  readonly defaultProvider?: string;
  /** The path says that the reply is a stream; otherwise the body does. */
  readonly stream?: boolean;
  /** JSON members of the reply that hold URLs which the client calls next. */
  readonly urlMembers?: readonly string[];
}

/** An endpoint of the gateway itself: admin API, metrics, pages. */
export interface HandlerRoute {
  readonly type: 'handler';
  readonly method: string;
  readonly path: string;
  /**
   * Who may call: an admin token with this scope (a browser without one is sent to `signIn`); or nobody is asked
   * (`public`); or the plugin checks callers itself.
   */
  readonly guard:
    | { readonly admin: 'read' | 'write'; readonly signIn?: string }
    | { readonly public: true }
    | { readonly caller: string };
  handler(context: Context): Response | Promise<Response>;
}

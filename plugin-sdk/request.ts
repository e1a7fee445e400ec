import type { Body } from './body.ts';
import { RequestHeaders } from './headers.ts';

/** A client's request as a value: a change gives a new one, so that an attempt can start again from it. */
export class GatewayRequest {
  readonly method: string;
  /** Path for the provider: without mount and API version, such as `/chat/completions`. */
  readonly path: string;
  /** The raw query with its `?`, or `''`. */
  readonly query: string;
  readonly headers: RequestHeaders;
  readonly body: Body;

  constructor(method: string, path: string, query: string, headers: RequestHeaders, body: Body) {
    this.method = method;
    this.path = path;
    this.query = query;
    this.headers = headers;
    this.body = body;
  }

  with(changes: Partial<Pick<GatewayRequest, 'method' | 'path' | 'query' | 'headers' | 'body'>>): GatewayRequest {
    return new GatewayRequest(
      changes.method ?? this.method,
      changes.path ?? this.path,
      changes.query ?? this.query,
      changes.headers ?? this.headers,
      changes.body ?? this.body,
    );
  }

  /** First value of a query parameter, decoded; `undefined` when absent. */
  queryValue(name: string): string | undefined {
    return this.query === '' ? undefined : (new URLSearchParams(this.query).get(name) ?? undefined);
  }
}

/** A request without headers or body, for calls that the gateway makes itself. */
export function bareRequest(method: string, path: string, body: Body): GatewayRequest {
  return new GatewayRequest(method, path, '', new RequestHeaders([]), body);
}

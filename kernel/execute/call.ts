import {
  type Call,
  type Dialect,
  type Endpoint,
  GatewayError,
  type Provider,
  type Reply,
  type UpstreamRequest,
} from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { forwardedHeaders } from './request-headers.ts';
import { withoutKey } from './without-key.ts';

/** What a provider is told of the call that an attempt is about to make. */
export function callOf(attempt: LiveAttempt, dialect: Dialect): Call {
  const { exchange, target, key } = attempt;
  const { request } = exchange;
  return {
    operation: exchange.operation,
    dialect,
    method: request.method,
    path: request.path,
    query: request.query,
    model: key.model ?? target.model,
    stream: exchange.stream,
    passthrough: exchange.route.passthrough === true,
    key,
    exchange,
  };
}

/**
 * The call as an HTTP request: the client's headers as far as they travel, the provider's on top. `translatedTo` where
 * the body is in another format than the client's.
 */
export function upstreamRequest(
  attempt: LiveAttempt,
  provider: Provider,
  endpoint: Endpoint,
  body: UpstreamRequest['body'],
  translatedTo?: Dialect,
): UpstreamRequest {
  const { exchange, key } = attempt;
  const { request } = exchange;
  const withheld = key.direct === true ? [] : provider.withheldHeaders;
  const keepEncoding = exchange.route.passthrough === true;
  const headers = forwardedHeaders(request.headers, endpoint.headers, keepEncoding, withheld, translatedTo?.id);
  if (request.body.kind === 'stream' && request.body.size !== undefined)
    headers.push('content-length', String(request.body.size));
  return {
    provider: provider.name,
    origin: endpoint.origin,
    method: endpoint.method ?? request.method,
    path: endpoint.path,
    headers,
    body,
    privateAddresses: provider.privateAddresses && key.callerHost !== true,
  };
}

/** Notes what the target cannot carry; with `x-bf-strict: true` refuses instead. Throws GatewayError REQ_LOSSY. */
export function refuseLosses(attempt: LiveAttempt, provider: Provider, lost: readonly string[]): void {
  const { exchange } = attempt;
  attempt.lossy = lost;
  if (lost.length > 0 && exchange.request.headers.get('x-bf-strict') === 'true') {
    throw new GatewayError('REQ_LOSSY', { provider: provider.name, paths: lost.join(', ') }, { param: lost[0]! });
  }
}

/** A reply of the provider that is a failure, whatever its HTTP status said. */
export function problemReply(
  { key }: LiveAttempt,
  dialect: Dialect,
  status: number,
  sent: Buffer,
  headers: string[],
): Reply {
  const bytes = withoutKey(sent, key);
  const problem = dialect.decodeError(status, bytes, headers);
  return { origin: 'upstream', status, headers, dialect, problem, body: { type: 'bytes', bytes } };
}

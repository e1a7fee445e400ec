import {
  type Body,
  type ExchangeRoute,
  GatewayError,
  GatewayRequest,
  isGatewayError,
  isThenable,
  type Logger,
  noBody,
  type Operation,
  RequestHeaders,
  type ResolvedPath,
  type SlotValue,
} from '../plugin-sdk/index.ts';
import type { BodyLimits, Client } from './client/client.ts';
import { LiveExchange } from './exchange.ts';
import type { Runtime } from './execute/context.ts';
import { meetingPlace } from './in-step.ts';
import { handle, refuse } from './pipeline.ts';
import { newRequestId } from './request-id.ts';
import { modelInQuery, withoutProtocolCredential } from './socket-request.ts';

const begun = meetingPlace();

export interface AcceptOptions {
  readonly runtime: Runtime;
  readonly limits: Omit<BodyLimits, 'mayStream' | 'keepEncoding'>;
  readonly log: Logger;
  /** Pages of other sites may call too. */
  readonly allowCrossSite: boolean;
  /** True when the caller may see decision records. */
  mayExplain(headers: RequestHeaders): boolean;
}

export interface InternalStart {
  readonly slots: readonly SlotValue[];
  readonly onSent: (() => void) | undefined;
  /** Tells how to stop the exchange. */
  readonly onStart: (leave: () => void) => void;
}

/**
 * Turns a matched call into an exchange: reads its path, head and body, then hands it to the pipeline. Failures here are
 * answered in the route's dialect like any other. Resolves when the exchange is settled; never rejects.
 */
export function accept(
  route: ExchangeRoute,
  client: Client,
  options: AcceptOptions,
  internal?: InternalStart,
): Promise<void> {
  const { runtime } = options;
  const isSocket = client.upgrade === true;
  const headers = new RequestHeaders(isSocket ? withoutProtocolCredential(client.headers) : client.headers);
  const { url } = client;
  const mark = url.indexOf('?');
  const rawPath = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark);
  let resolved: ResolvedPath = { path: rawPath };
  let failure: GatewayError | undefined;
  try {
    // A page that someone happens to visit must not spend money at a gateway on their machine; browsers say where a call comes from.
    if (headers.get('sec-fetch-site') === 'cross-site' && !options.allowCrossSite)
      throw new GatewayError('GUARD_CROSS_SITE', {});
    // A provider would show in its answer what was sent to it, its key included.
    if (client.method === 'TRACE')
      throw new GatewayError('REQ_METHOD', { method: 'TRACE', path: rawPath, allowed: 'GET or POST' });
    if (isSocket && route.passthrough !== true)
      throw new GatewayError('REQ_UNKNOWN_ENDPOINT', {
        method: 'WebSocket',
        path: rawPath,
        advice: 'WebSockets are served beneath passthrough routes.',
      });
    resolved = route.resolve?.(rawPath, client.method, headers) ?? { path: stripPrefix(rawPath, route.strip) };
  } catch (cause) {
    failure = asGatewayError(cause);
  }
  const exchange = new LiveExchange({
    id: newRequestId(),
    route,
    operation: isSocket ? 'realtime' : (resolved.operation ?? route.operation),
    dialect: resolved.dialect ?? route.dialect,
    defaultProvider: resolved.defaultProvider ?? route.defaultProvider,
    pathModel: resolved.model ?? (isSocket ? modelInQuery(query) : undefined),
    urlMembers: resolved.urlMembers,
    upgrade: isSocket,
    request: new GatewayRequest(client.method, resolved.path, query, headers, noBody),
    url,
    clientAddress: client.address,
    time: Date.now(),
    startedAt: performance.now(),
    log: options.log,
    explain: headers.get('x-bf-explain') === 'true' && options.mayExplain(headers),
  });
  exchange.stream = resolved.stream === true;
  const leave = (): void => exchange.leave();
  client.onGone = leave;
  // Those of plugins are theirs to stop.
  if (internal === undefined) exchange.place = runtime.open.add(exchange);
  if (internal !== undefined) {
    for (const { slot, value } of internal.slots) exchange.set(slot, value);
    exchange.onSent = internal.onSent;
    internal.onStart(leave);
  }
  if (failure !== undefined) return refuse(exchange, failure, client, runtime);
  let body: Body | Promise<Body>;
  try {
    body = client.readBody(headers, {
      ...options.limits,
      mayStream: mayStream(exchange),
      keepEncoding: route.passthrough === true,
    });
  } catch (cause) {
    return refuse(exchange, asGatewayError(cause), client, runtime);
  }
  return isThenable(body)
    ? body.then(
        (read) => begin(exchange, read, client, runtime),
        (cause) => refuse(exchange, asGatewayError(cause), client, runtime),
      )
    : begin(exchange, body, client, runtime);
}

async function begin(exchange: LiveExchange, body: Body, client: Client, runtime: Runtime): Promise<void> {
  await begun();
  try {
    exchange.setRequest(exchange.request.with({ body }));
    readMembers(exchange, body);
  } catch (cause) {
    return refuse(exchange, asGatewayError(cause), client, runtime);
  }
  return handle(exchange, client, runtime);
}

/** Model and stream flag, as the body has them. A passthrough body is the provider's to judge: what cannot be read is not there. */
function readMembers(exchange: LiveExchange, body: Body): void {
  const lenient = exchange.route.passthrough === true;
  let model: unknown;
  let stream: unknown;
  try {
    model = body.member('model');
    stream = body.member('stream');
  } catch (cause) {
    if (lenient) return;
    throw cause;
  }
  if (!lenient && model !== undefined && model !== null && typeof model !== 'string') {
    throw new GatewayError('REQ_INVALID', { reason: 'model must be a string.' }, { param: 'model' });
  }
  if (!lenient && stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    throw new GatewayError('REQ_INVALID', { reason: 'stream must be true or false.' }, { param: 'stream' });
  }
  if (exchange.model === undefined && typeof model === 'string' && model !== '') exchange.model = model;
  if (stream === true) exchange.stream = true;
  if (model === undefined && !lenient && !uploads.has(exchange.operation)) refuseUnreadable(body);
}

/** What curl sends when nobody names a type: the call would fail somewhere for want of a model. Throws GatewayError REQ_CONTENT_TYPE. */
function refuseUnreadable(body: Body): void {
  const type = body.kind === 'bytes' ? body.contentType : undefined;
  if (type !== undefined && /^application\/x-www-form-urlencoded\b/i.test(type))
    throw new GatewayError('REQ_CONTENT_TYPE', { type });
}

/** Operations whose forms name no model, or one that nobody needs to read. */
const uploads: ReadonlySet<Operation> = new Set(['files', 'resources', 'passthrough']);

/**
 * Uploads flow through. Held whole are calls whose body may need another attempt, and forms whose model decides where they
 * go: it may stand behind the file.
 */
function mayStream(exchange: LiveExchange): boolean {
  const type = exchange.request.headers.get('content-type') ?? '';
  return exchange.route.passthrough === true || (uploads.has(exchange.operation) && !type.includes('json'));
}

/** Cuts a mount off a path, at a segment boundary. */
export function stripPrefix(path: string, prefix: string): string {
  if (!path.startsWith(prefix)) return path;
  const rest = path.slice(prefix.length);
  return rest === '' ? '/' : rest.startsWith('/') ? rest : path;
}

function asGatewayError(cause: unknown): GatewayError {
  return isGatewayError(cause) ? cause : new GatewayError('BUG', { reason: (cause as Error).message }, { cause });
}

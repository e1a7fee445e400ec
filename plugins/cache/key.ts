import { hash } from 'node:crypto';
import type { BytesBody, Exchange, Host, Target } from '../../plugin-sdk/index.ts';
import { answerHeaders } from './answer-headers.ts';
import { canonicalRequest } from './canonical.ts';
import { chatOperations, fieldsOf, isStateful } from './fields.ts';
import type { CacheOptions } from './options.ts';
import { scopeOf } from './scope.ts';

/** Changes whenever the same words come to mean another request. */
const format = 1;

export interface CacheKey {
  readonly scope: string;
  readonly key: string;
  readonly surroundings: string;
  readonly target: Target;
}

export interface KeyContext {
  readonly host: Host;
  readonly options: CacheOptions;
  readonly ignoredHeaders: ReadonlySet<string>;
  readonly version: string;
}

/** What an exchange asks, and for whom; `undefined` when it cannot be answered from a cache. */
export function keyOf(exchange: Exchange, namespace: string, context: KeyContext): CacheKey | undefined {
  const { host, options, ignoredHeaders, version } = context;
  const { request, operation, dialect } = exchange;
  const body = bodyOf(exchange, options);
  if (body === undefined) return undefined;
  const target = targetOf(exchange, host);
  const provider = host.providers.get(target.provider);
  const fields = fieldsOf(operation, dialect.id);
  const json = body.json();
  if (provider === undefined || isStateful(json, fields) || usesHostedTools(exchange, json['tools'])) return undefined;
  const asked = canonicalRequest(body.bytes, json, fields, target.provider === exchange.defaultProvider);
  if (asked === undefined) return undefined;
  const scope = scopeOf(exchange, options.share);
  const surroundings = JSON.stringify([
    format,
    scope,
    namespace,
    operation,
    dialect.id,
    target.provider,
    provider.baseUrl,
    target.model,
    request.path,
    queryOf(request.query),
    answerHeaders(request.headers, ignoredHeaders),
    version,
  ]);
  return { scope, key: hash('sha256', `${surroundings}\n${asked}`, 'hex'), surroundings, target };
}

function bodyOf({ route, operation, request, dialect }: Exchange, options: CacheOptions): BytesBody | undefined {
  const { body, method } = request;
  if (route.passthrough === true || method !== 'POST' || !options.operations.includes(operation)) return undefined;
  if (body.kind !== 'bytes' || !body.isJson || body.size > options.maxRequestBytes) return undefined;
  return chatOperations.has(operation) && dialect.chat === undefined ? undefined : body;
}

/** Where the exchange will go. Should the kernel decide otherwise, its answer is not kept. */
function targetOf({ targets, model, defaultProvider, request }: Exchange, host: Host): Target {
  const [first] = targets ?? [];
  if (first !== undefined) return first;
  const { headers } = request;
  const fallback = headers.get('x-model-provider') ?? defaultProvider;
  const slash = model?.indexOf('/') ?? -1;
  if (model !== undefined && slash > 0 && host.providers.has(model.slice(0, slash))) {
    return { provider: model.slice(0, slash), model: model.slice(slash + 1) };
  }
  return { provider: fallback, model: model ?? '' };
}

/** Tools that the provider runs look at the world, or change it. */
function usesHostedTools(exchange: Exchange, tools: unknown): boolean {
  if (!Array.isArray(tools) || tools.length === 0 || !chatOperations.has(exchange.operation)) return false;
  return exchange.conversation().tools?.some(({ type }) => type === 'provider') === true;
}

/** Without the credential, which is the scope's matter. */
function queryOf(query: string): string {
  if (query === '') return '';
  const parameters = new URLSearchParams(query);
  for (const name of ['key', 'alt']) parameters.delete(name);
  parameters.sort();
  return parameters.toString();
}

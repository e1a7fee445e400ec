import { GatewayError, type RequestHeaders } from '../../plugin-sdk/index.ts';
import type { CacheOptions } from './options.ts';

/** What a request asks of the cache, by its `x-bf-cache-*` headers. */
export interface Directives {
  readonly namespace: string;
  readonly ttlMs: number;
  readonly store: boolean;
  readonly type?: 'direct' | 'semantic';
  readonly threshold?: number;
}

const maxNamespace = 128;
const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `undefined` when the cache is not for this request. Throws GatewayError REQ_INVALID naming the header. */
export function readDirectives(headers: RequestHeaders, options: CacheOptions): Directives | undefined {
  const namespace = headers.get('x-bf-cache-key');
  if (namespace === undefined && options.onRequest) return undefined;
  if (namespace !== undefined && namespace.length > maxNamespace) {
    throw invalid('x-bf-cache-key', `at most ${maxNamespace} characters`);
  }
  const ttl = headers.get('x-bf-cache-ttl');
  const ttlMs = ttl === undefined ? options.ttlSeconds * 1_000 : readTtl(ttl);
  const type = headers.get('x-bf-cache-type');
  if (type !== undefined && type !== 'direct' && type !== 'semantic')
    throw invalid('x-bf-cache-type', 'direct or semantic');
  const threshold = headers.get('x-bf-cache-threshold');
  return {
    namespace: namespace ?? options.namespace,
    ttlMs: Math.min(ttlMs, options.maxTtlSeconds * 1_000),
    store: ttlMs > 0 && !readFlag(headers.get('x-bf-cache-no-store')),
    ...(type === undefined ? {} : { type }),
    ...(threshold === undefined ? {} : { threshold: readThreshold(threshold) }),
  };
}

function readFlag(text: string | undefined): boolean {
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw invalid('x-bf-cache-no-store', 'true or false');
}

/** Whole seconds, or lengths such as `90s`, `5m`, `1h30m`. Gives milliseconds. */
function readTtl(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  if (!/^(\d{1,9}(ms|s|m|h|d))+$/.test(text)) throw invalid('x-bf-cache-ttl', 'seconds, or a length such as 5m');
  return [...text.matchAll(/(\d+)(ms|[smhd])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * units[unit!]!,
    0,
  );
}

function readThreshold(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw invalid('x-bf-cache-threshold', 'a number from 0 to 1');
  return Math.min(1, Math.max(0, value));
}

function invalid(header: string, expected: string): GatewayError {
  return new GatewayError(
    'REQ_INVALID',
    { reason: `The header ${header} is not valid: expected ${expected}.` },
    { param: header },
  );
}

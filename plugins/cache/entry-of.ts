import type { RoutedExchange } from '../../plugin-sdk/index.ts';
import type { CachedContent, CacheEntry } from '../../plugin-sdk/ports/cache.ts';
import { usageIn } from './may-keep.ts';
import type { Pending } from './pending.ts';

/** What is stored of an exchange that was answered with this content. `time`: milliseconds since 1970. */
export function entryOf(exchange: RoutedExchange, pending: Pending, content: CachedContent, time: number): CacheEntry {
  const { scope, key, namespace, provider, model, directives } = pending;
  const usage = usageIn(content);
  return {
    scope,
    key,
    namespace,
    time,
    expiresAt: time + directives.ttlMs,
    operation: exchange.operation,
    dialect: exchange.dialect.id,
    provider,
    model,
    request: exchange.id,
    ...(usage === undefined ? {} : { usage }),
    ...(exchange.lossy.length === 0 ? {} : { lossy: exchange.lossy }),
    content,
  };
}

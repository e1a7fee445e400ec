import type { Context } from 'hono';
import { adminActor, GatewayError, type HandlerRoute, type Host, isGatewayError } from '../../plugin-sdk/index.ts';
import type { CacheCounts, CacheFilter, CacheStore } from '../../plugin-sdk/ports/cache.ts';
import { entitiesPort } from '../../plugin-sdk/ports/entities.ts';

const mostListed = 1_000;

/** `/api/cache` for operators: what is kept, what it has done, and its clearing. */
export function cacheRoutes(host: Host, store: CacheStore, cache: { readonly counts: CacheCounts }): HandlerRoute[] {
  return [
    {
      type: 'handler',
      method: 'GET',
      path: '/api/cache',
      guard: { admin: 'read' },
      handler: (context) =>
        answered(async () => {
          const page = await store.list(filterOf(context), limitOf(context), context.req.query('cursor'));
          const entries = page.entries.map(({ key, namespace, time, expiresAt, ...entry }) => ({
            id: key,
            key: namespace,
            ...entry,
            time: new Date(time).toISOString(),
            expiresAt: new Date(expiresAt).toISOString(),
          }));
          return Response.json({ entries, next: page.next ?? null });
        }),
    },
    {
      type: 'handler',
      method: 'GET',
      path: '/api/cache/stats',
      guard: { admin: 'read' },
      handler: () => answered(async () => Response.json({ store: await store.stats(), process: cache.counts })),
    },
    {
      type: 'handler',
      method: 'DELETE',
      path: '/api/cache',
      guard: { admin: 'write' },
      handler: (context) =>
        answered(async () => {
          const filter = filterOf(context);
          if (Object.keys(filter).length === 0 && context.req.query('all') !== 'true') {
            throw new GatewayError('REQ_INVALID', {
              reason: 'Name what to clear by key, id, request or scope, or say all=true.',
            });
          }
          const removed = await store.delete(filter);
          await host.findPort(entitiesPort)?.record({
            actor: adminActor(context),
            action: 'clear',
            kind: 'cache',
            id: nameOf(filter),
            before: { entries: removed },
          });
          host.log.info({ filter, removed }, 'cache entries were cleared');
          return Response.json({ removed });
        }),
    },
  ];
}

/** `key` is the namespace that callers name by `x-bf-cache-key`, `id` one entry. */
function filterOf({ req }: Context): CacheFilter {
  const named = {
    namespace: req.query('key'),
    key: req.query('id'),
    request: req.query('request'),
    scope: req.query('scope'),
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

/** For the audit trail: `namespace=web request=req_1`, or `all`. */
function nameOf(filter: CacheFilter): string {
  const parts = Object.entries(filter).map(([name, value]) => `${name}=${value}`);
  return parts.length === 0 ? 'all' : parts.join(' ');
}

function limitOf({ req }: Context): number {
  const limit = Number(req.query('limit') ?? 100);
  if (!Number.isInteger(limit) || limit < 1 || limit > mostListed) {
    throw new GatewayError(
      'REQ_INVALID',
      { reason: `limit must be a whole number from 1 to ${mostListed}.` },
      { param: 'limit' },
    );
  }
  return limit;
}

async function answered(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (cause) {
    if (!isGatewayError(cause)) throw cause;
    const { status, text, type, param, openaiCode } = cause;
    return Response.json({ error: { message: text, type, param: param ?? null, code: openaiCode } }, { status });
  }
}

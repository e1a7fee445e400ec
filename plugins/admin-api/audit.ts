import { z } from 'zod';
import type { HandlerRoute } from '../../plugin-sdk/index.ts';
import type { Entities } from '../../plugin-sdk/ports/entities.ts';
import { InvalidRequest, parse } from './requests.ts';

export const auditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  before: z.coerce.number().int().min(1).optional().describe('A sequence number; older entries follow.'),
});

/** `GET /api/audit`: the append-only trail, newest first. */
export function auditRoute(entities: Entities): HandlerRoute {
  return {
    type: 'handler',
    method: 'GET',
    path: '/api/audit',
    guard: { admin: 'read' },
    async handler(context) {
      try {
        const { limit, before } = parse(auditQuery, context.req.query());
        const entries = await entities.audit({ limit, ...(before === undefined ? {} : { before }) });
        return Response.json({
          data: entries.map((entry) => ({ ...entry, at: new Date(entry.at).toISOString() })),
          count: entries.length,
        });
      } catch (error) {
        if (error instanceof InvalidRequest) return error.response;
        throw error;
      }
    },
  };
}

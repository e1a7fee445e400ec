import { adminActor, GatewayError, type HandlerRoute, type Host } from '../../plugin-sdk/index.ts';
import { entitiesPort } from '../../plugin-sdk/ports/entities.ts';
import type { Jobs } from '../../plugin-sdk/ports/jobs.ts';
import { nativeJob } from './native-job.ts';
import type { Webhooks } from './webhooks.ts';
import type { WorkerPool } from './worker-pool.ts';

const mostListed = 1_000;

/** For operators: how the queue stands, the newest jobs of all owners, one job, cancel it, send its notification again. */
export function adminRoutes(host: Host, jobs: Jobs, workers: WorkerPool, webhooks: Webhooks): HandlerRoute[] {
  const unknown = (): GatewayError => new GatewayError('JOB_UNKNOWN', {});
  return [
    {
      type: 'handler',
      method: 'GET',
      path: '/api/async-jobs',
      guard: { admin: 'read' },
      handler: async ({ req }) => {
        const limit = Math.min(Math.max(1, Math.trunc(Number(req.query('limit') ?? 50)) || 50), mostListed);
        const after = req.query('after');
        const page = await jobs.list(undefined, { limit, ...(after !== undefined && { after }) });
        return Response.json({
          counts: await jobs.counts(),
          jobs: page.jobs.map((job) => ({ ...nativeJob(job), owner: job.owner })),
          next: page.next ?? null,
        });
      },
    },
    {
      type: 'handler',
      method: 'GET',
      path: '/api/async-jobs/:id',
      guard: { admin: 'read' },
      handler: async (context) => {
        const job = await jobs.get(context.req.param('id') ?? '');
        if (job === undefined) throw unknown();
        return Response.json({ ...nativeJob(job), owner: job.owner, delivery: job.delivery });
      },
    },
    {
      type: 'handler',
      method: 'DELETE',
      path: '/api/async-jobs/:id',
      guard: { admin: 'write' },
      handler: async (context) => {
        const job = await workers.cancel(context.req.param('id') ?? '');
        if (job === undefined) throw unknown();
        const actor = adminActor(context);
        await host.findPort(entitiesPort)?.record({ actor, action: 'cancel', kind: 'job', id: job.id });
        return Response.json(nativeJob(job));
      },
    },
    {
      type: 'handler',
      method: 'POST',
      path: '/api/async-jobs/:id/redeliver',
      guard: { admin: 'write' },
      handler: async (context) => {
        const job = await jobs.redeliver(context.req.param('id') ?? '');
        if (job === undefined) throw unknown();
        webhooks.wake();
        return Response.json(nativeJob(job), { status: 202 });
      },
    },
  ];
}

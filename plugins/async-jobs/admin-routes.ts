import { GatewayError, type HandlerRoute } from '../../plugin-sdk/index.ts';
import type { Jobs } from '../../plugin-sdk/ports/jobs.ts';
import { nativeJob } from './native-job.ts';
import type { Webhooks } from './webhooks.ts';
import type { WorkerPool } from './worker-pool.ts';

/** For operators: how the queue stands, one job, cancel it, send its notification again. */
export function adminRoutes(jobs: Jobs, workers: WorkerPool, webhooks: Webhooks): HandlerRoute[] {
  const unknown = (): GatewayError => new GatewayError('JOB_UNKNOWN', {});
  return [
    {
      type: 'handler',
      method: 'GET',
      path: '/api/async-jobs',
      guard: { admin: 'read' },
      handler: async () => Response.json({ counts: await jobs.counts() }),
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

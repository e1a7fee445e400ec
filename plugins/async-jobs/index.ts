import { join } from 'node:path';
import { definePlugin, type Exchange } from '../../plugin-sdk/index.ts';
import { jobRunSlot, jobsPort } from '../../plugin-sdk/ports/jobs.ts';
import { adminRoutes } from './admin-routes.ts';
import { HeaderMode } from './header-mode.ts';
import { NativeMode } from './native-mode.ts';
import { asyncJobsOptions } from './options.ts';
import { PlainMode } from './plain-mode.ts';
import { Seal } from './seal.ts';
import { Submissions } from './submission.ts';
import { Webhooks } from './webhooks.ts';
import { WorkerPool } from './worker-pool.ts';

/** Requests that are stored, answered at once and run later, whatever happens to this process. */
export default definePlugin({
  name: 'plugins/async-jobs',
  description: 'Durable async jobs on every inference route, with polling, cancellation, idempotency and webhooks.',
  options: asyncJobsOptions,
  after: ['identity', 'plugins/otel'],
  requires: [jobsPort.capability],
  setup(options, host) {
    const jobs = host.port(jobsPort);
    const seal = Seal.withKeyFile(join(host.dataDir, 'jobs', 'seal.key'));
    const submissions = new Submissions(jobs, seal, options, () => host.clock.now());
    const workers = new WorkerPool(host, jobs, submissions, options);
    const webhooks = new Webhooks(host, jobs, options.webhooks);
    const native = new NativeMode(jobs, submissions, workers);
    const header = new HeaderMode(jobs, submissions, workers);
    const plain = options.plainIdempotency ? new PlainMode(jobs, submissions, workers, options.plainWaitMs) : undefined;
    workers.onEnd = () => webhooks.wake();
    workers.start();
    webhooks.start();

    return {
      hooks: {
        preRoute: {
          // A submission or poll is answered before anything is looked up, counted or cached for it; callers are known by then.
          order: 'pre',
          handler(exchange) {
            if (isJobRun(exchange)) return;
            return native.handle(exchange) ?? header.handle(exchange) ?? plain?.handle(exchange);
          },
        },
      },
      routes: [...native.routes, ...adminRoutes(host, jobs, workers, webhooks)],
      async teardown() {
        await workers.stop();
        await webhooks.stop();
      },
    };
  },
});

/** The run of a job goes its normal way; its decision record says which job it is and how often it was interrupted. */
function isJobRun(exchange: Exchange): boolean {
  const run = exchange.get(jobRunSlot);
  if (run === undefined) return false;
  exchange.note(
    'plugins/async-jobs',
    run.interruptions === 0 ? 'runs a job' : 'runs a job again after an interruption',
    {
      job: run.id,
      attempt: run.attempt,
      interruptions: run.interruptions,
      sentBefore: run.sentBefore,
    },
  );
  return true;
}

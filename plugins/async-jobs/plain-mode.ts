import { type Exchange, GatewayError, type Opinion, type Reply } from '../../plugin-sdk/index.ts';
import type { Job, Jobs } from '../../plugin-sdk/ports/jobs.ts';
import { answerInKind } from './answer.ts';
import { kindOf } from './kinds.ts';
import { idempotencyKeyOf, type Submissions } from './submission.ts';
import type { WorkerPool } from './worker-pool.ts';

/** How long to wait before the store is asked whether another process ended the job. */
const lookMs = 250;

/**
 * Requests that are no jobs but carry an `Idempotency-Key`: they run as one, so that a repeat joins the first run, or
 * gets its answer, also when the first client has left. A failure that used up nothing is told to whoever waits for it
 * and frees the key. Streams are not covered.
 */
export class PlainMode {
  readonly #jobs: Jobs;
  readonly #submissions: Submissions;
  readonly #workers: WorkerPool;
  readonly #waitMs: number;

  constructor(jobs: Jobs, submissions: Submissions, workers: WorkerPool, waitMs: number) {
    this.#jobs = jobs;
    this.#submissions = submissions;
    this.#workers = workers;
    this.#waitMs = waitMs;
  }

  handle(exchange: Exchange): Opinion<Reply> {
    if (exchange.stream || kindOf(exchange) === undefined || idempotencyKeyOf(exchange) === undefined) return;
    return this.#runOnce(exchange);
  }

  async #runOnce(exchange: Exchange): Promise<Reply> {
    const { job, created } = await this.#submissions.submit(exchange, 'waits');
    const ended = this.#wait(exchange, job);
    if (created) this.#workers.wake();
    else exchange.setReplyHeader('idempotent-replayed', 'true');
    const last = await ended;
    if (last.endedAt === undefined) throw new GatewayError('JOB_RUNNING', {}, { retryAfterMs: 1_000 });
    return answerInKind(exchange, last, this.#jobs);
  }

  async #wait(exchange: Exchange, submitted: Job): Promise<Job> {
    const until = performance.now() + this.#waitMs;
    let job: Job | undefined = submitted;
    while (job.endedAt === undefined && performance.now() < until && !exchange.clientGone) {
      await this.#workers.whenEnded(job.id, lookMs);
      job = await this.#jobs.get(job.id);
      if (job === undefined) throw new GatewayError('JOB_UNKNOWN', {});
    }
    return job;
  }
}

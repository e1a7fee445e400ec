import { type Exchange, GatewayError, jsonReply, type Opinion, type Reply } from '../../plugin-sdk/index.ts';
import type { Job, Jobs } from '../../plugin-sdk/ports/jobs.ts';
import { answerInKind, answerRetrieve } from './answer.ts';
import { isJobId } from './job-id.ts';
import { kindOf } from './kinds.ts';
import { ownerOf } from './owner.ts';
import type { Submissions } from './submission.ts';
import type { WorkerPool } from './worker-pool.ts';

const responsePath = /\/responses\/(job_[^/]+)(\/cancel)?$/;

/** The jobs of any SDK route, by headers: `x-bf-async` submits, `x-bf-async-id` polls; and `responses.retrieve(id)`, `.cancel(id)` and `.delete(id)`. */
export class HeaderMode {
  readonly #jobs: Jobs;
  readonly #submissions: Submissions;
  readonly #workers: WorkerPool;

  constructor(jobs: Jobs, submissions: Submissions, workers: WorkerPool) {
    this.#jobs = jobs;
    this.#submissions = submissions;
    this.#workers = workers;
  }

  handle(exchange: Exchange): Opinion<Reply> {
    const { headers } = exchange.request;
    const id = headers.get('x-bf-async-id');
    if (id !== undefined && id !== '') return this.#poll(exchange, id);
    const wanted = headers.get('x-bf-async');
    if (wanted !== undefined && wanted !== '' && wanted !== 'false' && wanted !== '0') return this.#submit(exchange);
    if (exchange.request.path.includes('/responses/job_')) return this.#ofResponses(exchange);
  }

  async #submit(exchange: Exchange): Promise<Reply> {
    const { job, created } = await this.#submissions.submit(exchange);
    if (created) this.#workers.wake();
    else exchange.setReplyHeader('idempotent-replayed', 'true');
    exchange.note('plugins/async-jobs', created ? 'submitted' : 'repeated', { job: job.id });
    return answerInKind(exchange, job, this.#jobs);
  }

  async #poll(exchange: Exchange, id: string): Promise<Reply> {
    const job = await ownJob(this.#jobs, exchange, id);
    if (job.facts['kind'] !== kindOf(exchange)) throw new GatewayError('JOB_UNKNOWN', {});
    return answerInKind(exchange, job, this.#jobs);
  }

  #ofResponses(exchange: Exchange): Opinion<Reply> {
    const [, id, cancel] = responsePath.exec(exchange.request.path) ?? [];
    if (id === undefined) return;
    const { method } = exchange.request;
    if (cancel !== undefined) return method === 'POST' ? this.#cancel(exchange, id) : undefined;
    if (method === 'GET') return this.#retrieve(exchange, id);
    if (method === 'DELETE') return this.#delete(exchange, id);
  }

  async #retrieve(exchange: Exchange, id: string): Promise<Reply> {
    if (exchange.request.queryValue('stream') === 'true') throw new GatewayError('JOB_STREAM', {});
    return answerRetrieve(exchange, await this.#ownResponse(exchange, id), this.#jobs);
  }

  async #cancel(exchange: Exchange, id: string): Promise<Reply> {
    await this.#ownResponse(exchange, id);
    const job = await this.#workers.cancel(id);
    if (job === undefined) throw new GatewayError('JOB_UNKNOWN', {});
    return answerRetrieve(exchange, job, this.#jobs);
  }

  async #delete(exchange: Exchange, id: string): Promise<Reply> {
    await this.#ownResponse(exchange, id);
    if (!(await this.#workers.delete(id))) throw new GatewayError('JOB_UNKNOWN', {});
    return jsonReply({ id, object: 'response', deleted: true });
  }

  async #ownResponse(exchange: Exchange, id: string): Promise<Job> {
    const job = await ownJob(this.#jobs, exchange, id);
    if (job.facts['kind'] !== 'responses') throw new GatewayError('JOB_UNKNOWN', {});
    return job;
  }
}

/** A job of this caller. Unknown, expired and foreign ones look all alike: GatewayError JOB_UNKNOWN. */
export async function ownJob(jobs: Jobs, exchange: Exchange, id: string): Promise<Job> {
  const job = isJobId(id) ? await jobs.get(id) : undefined;
  if (job === undefined || job.owner !== ownerOf(exchange)) throw new GatewayError('JOB_UNKNOWN', {});
  return job;
}

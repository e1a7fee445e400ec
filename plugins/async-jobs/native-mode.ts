import { openai, openaiChat, openaiResponses } from '../../plugin-sdk/dialects/index.ts';
import {
  type Dialect,
  type Exchange,
  type ExchangeRoute,
  GatewayError,
  type JsonObject,
  jsonReply,
  type Operation,
  type Opinion,
  type Reply,
} from '../../plugin-sdk/index.ts';
import type { Jobs } from '../../plugin-sdk/ports/jobs.ts';
import { ownJob } from './header-mode.ts';
import { nativeJob } from './native-job.ts';
import { anonymousOwner, ownerOf } from './owner.ts';
import type { Submissions } from './submission.ts';
import type { WorkerPool } from './worker-pool.ts';

const mount = '/v1/async';

/** Operations with an endpoint of their own, by path. */
const endpoints: readonly [path: string, Operation, Dialect][] = [
  ['/chat/completions', 'chat', openaiChat],
  ['/responses', 'responses', openaiResponses],
  ['/completions', 'completions', openai],
  ['/embeddings', 'embeddings', openai],
  ['/moderations', 'moderations', openai],
  ['/rerank', 'rerank', openai],
  ['/images/generations', 'images.generate', openai],
  ['/images/edits', 'images.edit', openai],
  ['/images/variations', 'images.variation', openai],
  ['/audio/speech', 'audio.speech', openai],
  ['/audio/transcriptions', 'audio.transcription', openai],
  ['/audio/translations', 'audio.translation', openai],
];

const pageLimit = 100;

/**
 * `POST /v1/async/{operation}`, `GET` and `DELETE /v1/async/{operation}/{id}`, `GET /v1/async/jobs`: jobs as objects
 * of their own. The routes are exchanges like any other, so that every guard sees them; a job runs on the route that it
 * was submitted on.
 */
export class NativeMode {
  readonly routes: readonly ExchangeRoute[];
  readonly #jobs: Jobs;
  readonly #submissions: Submissions;
  readonly #workers: WorkerPool;
  readonly #list: ExchangeRoute;
  readonly #own: ReadonlySet<ExchangeRoute>;

  constructor(jobs: Jobs, submissions: Submissions, workers: WorkerPool) {
    this.#jobs = jobs;
    this.#submissions = submissions;
    this.#workers = workers;
    this.#list = route('GET', '/jobs', 'resources', openai);
    this.routes = [
      this.#list,
      ...endpoints.flatMap(([path, operation, dialect]) => [
        route('POST', path, operation, dialect),
        route('GET', `${path}/:id`, operation, dialect),
        route('DELETE', `${path}/:id`, operation, dialect),
      ]),
    ];
    this.#own = new Set(this.routes);
  }

  handle(exchange: Exchange): Opinion<Reply> {
    if (!this.#own.has(exchange.route)) return;
    if (exchange.route === this.#list) return this.#page(exchange);
    const { method, path } = exchange.request;
    if (method === 'POST') return this.#submit(exchange);
    const id = path.slice(path.lastIndexOf('/') + 1);
    return method === 'DELETE' ? this.#cancel(exchange, id) : this.#poll(exchange, id);
  }

  async #submit(exchange: Exchange): Promise<Reply> {
    const { job, created } = await this.#submissions.submit(exchange);
    if (created) this.#workers.wake();
    else exchange.setReplyHeader('idempotent-replayed', 'true');
    const headers = ['location', `${exchange.route.path}/${job.id}`, 'retry-after', '1'];
    return jsonReply(nativeJob(job), 202, headers);
  }

  async #poll(exchange: Exchange, id: string): Promise<Reply> {
    const job = await ownJob(this.#jobs, exchange, id);
    if (job.facts['operation'] !== exchange.operation) throw new GatewayError('JOB_UNKNOWN', {});
    if (job.endedAt === undefined) return jsonReply(nativeJob(job), 202, ['retry-after', '1']);
    return jsonReply(nativeJob(job, await this.#jobs.result(id)), 200);
  }

  async #cancel(exchange: Exchange, id: string): Promise<Reply> {
    const job = await ownJob(this.#jobs, exchange, id);
    if (job.facts['operation'] !== exchange.operation) throw new GatewayError('JOB_UNKNOWN', {});
    const after = await this.#workers.cancel(id);
    if (after === undefined) throw new GatewayError('JOB_UNKNOWN', {});
    return jsonReply(nativeJob(after));
  }

  /** `?limit=` and `?after=`, as OpenAI's lists have them. Nobody in particular has no list. */
  async #page(exchange: Exchange): Promise<Reply> {
    const owner = ownerOf(exchange);
    if (owner === anonymousOwner) throw new GatewayError('AUTH_MISSING', {});
    const limit = limitOf(exchange.request.queryValue('limit'));
    const after = exchange.request.queryValue('after');
    const { jobs, next } = await this.#jobs.list(owner, { limit, ...(after !== undefined && { after }) });
    const data: JsonObject[] = jobs.map((job) => nativeJob(job));
    const page = {
      object: 'list',
      data,
      first_id: jobs[0]?.id ?? null,
      last_id: jobs.at(-1)?.id ?? null,
      has_more: next !== undefined,
    };
    return jsonReply(page);
  }
}

function limitOf(value: string | undefined): number {
  if (value === undefined) return 20;
  const limit = Number(value);
  if (Number.isInteger(limit) && limit >= 1 && limit <= pageLimit) return limit;
  throw new GatewayError(
    'REQ_INVALID',
    { reason: `limit must be a whole number from 1 to ${pageLimit}.` },
    { param: 'limit' },
  );
}

function route(method: string, path: string, operation: Operation, dialect: Dialect): ExchangeRoute {
  return { type: 'exchange', method, path: mount + path, dialect, operation, defaultProvider: 'openai', strip: mount };
}

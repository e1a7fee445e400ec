import { createHash } from 'node:crypto';
import {
  type Body,
  type Caller,
  callerSlot,
  type Exchange,
  type FlatHeaders,
  GatewayError,
  lowerName,
} from '../../plugin-sdk/index.ts';
import type { Job, Jobs, NewJob } from '../../plugin-sdk/ports/jobs.ts';
import { fingerprint } from './fingerprint.ts';
import { newJobId } from './job-id.ts';
import { kindOf } from './kinds.ts';
import type { AsyncJobsOptions } from './options.ts';
import { ownerOf } from './owner.ts';
import type { Seal } from './seal.ts';

/** Headers that belong to the submission and not to the request that runs later. */
const notKept = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'content-length',
  'expect',
  'upgrade',
  'te',
  'trailer',
  // The stored reply must be readable by any client that fetches it.
  'accept-encoding',
  'idempotency-key',
  'x-bf-explain',
]);

/** What a waiting job keeps of its caller, sealed. */
export interface SealedHead {
  /** Raw query with its `?`, or `''`. */
  readonly query: string;
  readonly headers: FlatHeaders;
  readonly caller?: Caller;
}

/** Stores requests as jobs. */
export class Submissions {
  readonly #jobs: Jobs;
  readonly #seal: Seal;
  readonly #options: AsyncJobsOptions;
  readonly #now: () => number;

  constructor(jobs: Jobs, seal: Seal, options: AsyncJobsOptions, now: () => number) {
    this.#jobs = jobs;
    this.#seal = seal;
    this.#options = options;
    this.#now = now;
  }

  /** Throws GatewayError JOB_STREAM, JOB_UNSUPPORTED, JOB_TTL, JOB_WEBHOOK, JOB_TOO_LARGE, JOB_KEY_REUSED, LIMIT_QUEUE, STORE_UNAVAILABLE, REQ_*. */
  async submit(exchange: Exchange, client: 'polls' | 'waits' = 'polls'): Promise<{ job: Job; created: boolean }> {
    const kind = kindOf(exchange);
    if (kind === undefined) throw new GatewayError('JOB_UNSUPPORTED', { operation: exchange.operation });
    if (exchange.stream || exchange.request.path.includes(':stream')) throw new GatewayError('JOB_STREAM', {});
    const { headers, query } = exchange.request;
    const { maxQueued, maxQueuedPerCaller } = this.#options;
    const id = newJobId(this.#now());
    const request = {
      method: exchange.request.method,
      path: pathOf(exchange.url),
      body: await this.#bytesOf(exchange.request.body),
    };
    const caller = exchange.get(callerSlot);
    const head: SealedHead = { query, headers: keptHeaders(exchange), ...(caller !== undefined && { caller }) };
    const key = idempotencyKeyOf(exchange);
    const webhook = headers.get('x-bf-async-webhook');
    if (webhook !== undefined && this.#options.webhooks[webhook] === undefined)
      throw new GatewayError('JOB_WEBHOOK', { name: webhook });
    const job: NewJob = {
      id,
      owner: ownerOf(exchange),
      priority: this.#priorityOf(headers.get('x-bf-async-priority')),
      resultTtlMs: this.#ttlOf(headers.get('x-bf-async-job-result-ttl')) * 1_000,
      facts: { kind, operation: exchange.operation, model: exchange.model ?? '', requestId: exchange.id, client },
      request: { ...request, sealed: this.#seal.close(JSON.stringify(head), id) },
      ...(key !== undefined && {
        idempotency: { key, fingerprint: fingerprint(request, query, headers.get('content-type')) },
      }),
      ...(webhook !== undefined && { webhook }),
    };
    return this.#jobs.submit(job, { queued: maxQueued, queuedPerOwner: maxQueuedPerCaller });
  }

  /** The sealed part of a job's request. Throws when the key file is another one than at submission. */
  open(sealed: Buffer, id: string): SealedHead {
    return JSON.parse(this.#seal.open(sealed, id)) as SealedHead;
  }

  #ttlOf(value: string | undefined): number {
    const limit = this.#options.maxResultTtlSeconds;
    if (value === undefined) return Math.min(this.#options.resultTtlSeconds, limit);
    const seconds = /^\d{1,12}$/.test(value.trim()) ? Number(value) : 0;
    if (seconds < 1 || seconds > limit)
      throw new GatewayError('JOB_TTL', { limit, got: value }, { param: 'x-bf-async-job-result-ttl' });
    return seconds;
  }

  #priorityOf(value: string | undefined): number {
    if (value === undefined) return Math.min(0, this.#options.maxPriority);
    const limit = this.#options.maxPriority;
    const priority = /^-?\d{1,3}$/.test(value.trim()) ? Number(value) : Number.NaN;
    if (priority >= -100 && priority <= limit) return priority;
    const reason = `x-bf-async-priority must be a whole number from -100 to ${limit}, not ${value}.`;
    throw new GatewayError('REQ_INVALID', { reason }, { param: 'x-bf-async-priority' });
  }

  async #bytesOf(body: Body): Promise<Buffer> {
    const limit = this.#options.maxRequestBytes;
    if ((body.size ?? 0) > limit) throw new GatewayError('JOB_TOO_LARGE', { limit });
    if (body.kind === 'none') return Buffer.alloc(0);
    if (body.kind === 'bytes') return body.bytes;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body.readable) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > limit) throw new GatewayError('JOB_TOO_LARGE', { limit });
    }
    return Buffer.concat(chunks);
  }
}

/** A key of the client's as it is stored: any text it likes, in a fixed length. Throws GatewayError REQ_INVALID. */
export function idempotencyKeyOf(exchange: Exchange): string | undefined {
  const key = exchange.request.headers.get('idempotency-key');
  if (key === undefined || key === '') return undefined;
  if (key.length > 255) {
    throw new GatewayError(
      'REQ_INVALID',
      { reason: 'Idempotency-Key must have at most 255 characters.' },
      { param: 'Idempotency-Key' },
    );
  }
  return createHash('sha256').update(key).digest('base64url');
}

/** Passthrough bodies are stored as they were sent; all others were decompressed when they were read. */
function keptHeaders(exchange: Exchange): FlatHeaders {
  const kept: FlatHeaders = [];
  const { flat } = exchange.request.headers;
  for (let i = 0; i < flat.length; i += 2) {
    const name = lowerName(flat[i]!);
    if (notKept.has(name) || name.startsWith('x-bf-async')) continue;
    if (name === 'content-encoding' && exchange.route.passthrough !== true) continue;
    kept.push(flat[i]!, flat[i + 1]!);
  }
  return kept;
}

function pathOf(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark);
}

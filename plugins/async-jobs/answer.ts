import {
  type Exchange,
  GatewayError,
  getHeader,
  isObject,
  type JsonObject,
  jsonReply,
  lowerName,
  type Reply,
} from '../../plugin-sdk/index.ts';
import type { Job, JobResult, Jobs } from '../../plugin-sdk/ports/jobs.ts';
import { pendingAnswer } from './kinds.ts';
import { errorOf } from './stored-error.ts';

/** What the gateway said of the exchange that ran the job, said again to whoever fetches its answer. */
const repeated = ['x-bf-provider', 'x-bf-model', 'x-bf-key', 'x-bf-attempts', 'x-bf-cost', 'x-bf-lossy'];

/** Headers of a run that are wrong for the exchange that fetches its answer. */
const notReplayed = new Set(['content-length', 'date', 'x-request-id']);

/** What a failure says about repeating its request: true as long as a repeat would be sent, and not find this answer. */
const aboutRepeats = new Set(['retry-after', 'x-should-retry', 'retry-after-ms']);

/** Answers as the job's own SDK expects it: an object of its kind without content, the whole reply, or the failure. */
export async function answerInKind(exchange: Exchange, job: Job, jobs: Jobs): Promise<Reply> {
  exchange.setReplyHeader('x-bf-async-id', job.id);
  exchange.setReplyHeader('x-bf-async-status', statusWord(job));
  if (job.state === 'queued' || job.state === 'running') {
    return jsonReply(pendingAnswer(job, exchange.request.headers.get('user-agent')));
  }
  if (job.state === 'cancelled') {
    if (job.facts['kind'] === 'responses') return jsonReply(pendingAnswer(job));
    throw new GatewayError('JOB_CANCELLED', {}, { clientMayRetry: false });
  }
  return replay(exchange, await resultOf(job, jobs));
}

/**
 * Answers `responses.retrieve(id)`: where a poll gives the failure, this gives a response whose status is `failed`, as
 * OpenAI does for its own background mode.
 */
export async function answerRetrieve(exchange: Exchange, job: Job, jobs: Jobs): Promise<Reply> {
  if (job.state !== 'failed') return answerInKind(exchange, job, jobs);
  exchange.setReplyHeader('x-bf-async-id', job.id);
  exchange.setReplyHeader('x-bf-async-status', 'failed');
  const { message, code } = describeFailure(await resultOf(job, jobs));
  return jsonReply({ ...pendingAnswer(job), status: 'failed', error: { code: code ?? 'server_error', message } });
}

/** The stored reply of an ended job. Throws GatewayError JOB_UNKNOWN when it has just expired. */
export async function resultOf(job: Job, jobs: Jobs): Promise<JobResult> {
  const result = await jobs.result(job.id);
  if (result === undefined) throw new GatewayError('JOB_UNKNOWN', {});
  return result;
}

/** Message and code of a failed job, from the gateway's error or from the provider's as the client's dialect has it. */
export function describeFailure(result: JobResult): { message: string; code: string | undefined } {
  const error = errorOf(result);
  if (error !== undefined) return { message: error.text, code: error.openaiCode ?? undefined };
  const json = jsonOf(result);
  const inner = isObject(json?.['error']) ? json['error'] : json;
  const message = inner?.['message'];
  const code = inner?.['code'];
  return {
    message: typeof message === 'string' ? message : `The provider answered with status ${result.status}.`,
    code: typeof code === 'string' ? code : undefined,
  };
}

export function statusWord(job: Job): 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled' {
  return job.state === 'queued' ? 'pending' : job.state === 'running' ? 'processing' : job.state;
}

/** The result's body as JSON; `undefined` when it is something else. */
export function jsonOf(result: JobResult): JsonObject | undefined {
  if (!(getHeader(result.headers, 'content-type') ?? '').includes('json')) return undefined;
  try {
    const json: unknown = JSON.parse(result.body.toString('utf8'));
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function replay(exchange: Exchange, result: JobResult): Reply {
  const error = errorOf(result);
  if (error !== undefined) throw error;
  const headers: string[] = [];
  const isFree = result.freesKey === true;
  for (let i = 0; i < result.headers.length; i += 2) {
    const name = lowerName(result.headers[i]!);
    if (repeated.includes(name)) exchange.setReplyHeader(name, result.headers[i + 1]!);
    else if (!notReplayed.has(name) && (isFree || !aboutRepeats.has(name)))
      headers.push(result.headers[i]!, result.headers[i + 1]!);
  }
  // The run has paid; a retry of this fetch would find the same.
  if (result.status >= 400 && !isFree) headers.push('x-should-retry', 'false');
  const isJson = (getHeader(headers, 'content-type') ?? '').includes('json');
  // As text, so that nobody reads usage from bytes and counts it again.
  const bytes = isJson ? result.body.toString('utf8') : result.body;
  return { origin: 'gateway', status: result.status, headers, body: { type: 'bytes', bytes } };
}

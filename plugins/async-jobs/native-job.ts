import { getHeader, type JsonObject } from '../../plugin-sdk/index.ts';
import type { Job, JobResult } from '../../plugin-sdk/ports/jobs.ts';
import { describeFailure, jsonOf, statusWord } from './answer.ts';
import { errorOf } from './stored-error.ts';

/** A job as an object of its own: of the native endpoints, notifications and the admin API. */
export function nativeJob(job: Job, result?: JobResult): JsonObject {
  const { id, facts, createdAt, startedAt, endedAt, expiresAt, attempts, interruptions, delivery } = job;
  return {
    id,
    object: 'async.job',
    operation: facts['operation'],
    model: facts['model'],
    request_id: facts['requestId'],
    status: statusWord(job),
    created_at: timeOf(createdAt),
    ...(startedAt !== undefined && { started_at: timeOf(startedAt) }),
    ...(endedAt !== undefined && { completed_at: timeOf(endedAt) }),
    ...(expiresAt !== undefined && { expires_at: timeOf(expiresAt) }),
    attempts,
    interruptions,
    ...(job.status !== undefined && { status_code: job.status }),
    ...(delivery !== undefined && {
      webhook: { name: delivery.webhook, state: delivery.state, attempts: delivery.attempts },
    }),
    ...(result?.state === 'completed' && { result: contentOf(result) }),
    ...(result?.state === 'failed' && { error: failureOf(result) }),
  };
}

/** The provider's error object as it was, or one made of the gateway's own error. */
function failureOf(result: JobResult): JsonObject {
  const error = errorOf(result);
  if (error !== undefined)
    return { message: error.text, type: error.type, param: error.param ?? null, code: error.openaiCode };
  const inner = jsonOf(result)?.['error'];
  if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) return inner;
  const { message, code } = describeFailure(result);
  return { message, type: 'upstream_error', param: null, code: code ?? null };
}

/** The reply's JSON; other content in base64 with its type. */
function contentOf(result: JobResult): JsonObject {
  const json = jsonOf(result);
  if (json !== undefined) return json;
  const contentType = getHeader(result.headers, 'content-type') ?? 'application/octet-stream';
  if (contentType.startsWith('text/')) return { content_type: contentType, text: result.body.toString('utf8') };
  return { content_type: contentType, data: result.body.toString('base64') };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

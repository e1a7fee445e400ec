import type { JsonObject } from '../../plugin-sdk/json.ts';
import type { Delivery, Job, JobState } from '../../plugin-sdk/ports/jobs.ts';

/** A job as it is stored, without request and result. Times are milliseconds since 1970. */
export interface JobRecord {
  id: string;
  owner: string;
  state: JobState;
  /** Place in the queue: rank (negated priority) and number of submission. */
  rank: number;
  number: number;
  facts: JsonObject;
  resultTtlMs: number;
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
  expiresAt?: number;
  /** Where it stands in the index of what to sweep. */
  sweepAt?: number;
  attempts: number;
  interruptions: number;
  sent: boolean;
  status?: number;
  /** Present while it runs. */
  lease?: { until: number; token: number; worker: string };
  idempotencyKey?: string;
  delivery?: Delivery & { dueAt?: number };
}

/** What callers of the port see. */
export function jobOf(record: JobRecord): Job {
  const { id, owner, state, rank, facts, resultTtlMs, createdAt, startedAt, endedAt, expiresAt, status } = record;
  const { attempts, interruptions, sent, delivery } = record;
  return {
    id,
    owner,
    state,
    priority: 0 - rank,
    facts,
    resultTtlMs,
    createdAt,
    attempts,
    interruptions,
    sent,
    ...(startedAt !== undefined && { startedAt }),
    ...(endedAt !== undefined && { endedAt }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(status !== undefined && { status }),
    ...(delivery !== undefined && { delivery }),
  };
}

import type { FlatHeaders } from '../headers.ts';
import type { JsonObject } from '../json.ts';
import { definePort } from '../ports.ts';
import { defineSlot } from '../slot.ts';

/**
 * A durable queue of requests and the results they had. Several processes share it.
 *
 * Every promise that reports a change resolves when the change is on disk. Methods throw GatewayError STORE_UNAVAILABLE
 * when nothing can be stored (a full disk); then nothing was changed.
 */
export interface Jobs {
  /**
   * Stores a job. The same owner and idempotency key again gives the first job instead, with `created: false`.
   * Throws JOB_KEY_REUSED when that job had another fingerprint, LIMIT_QUEUE when a limit is reached.
   */
  submit(job: NewJob, limits: QueueLimits): Promise<{ readonly job: Job; readonly created: boolean }>;
  /** `undefined` when there is no such job, or its result has expired. */
  get(id: string): Promise<Job | undefined>;
  /** The reply of a job that ended; `undefined` for others and after it has expired. */
  result(id: string): Promise<JobResult | undefined>;
  /** An owner's jobs, or everyone's, newest first. `next` is the cursor for the rest. */
  list(owner: string | undefined, page: { readonly limit: number; readonly after?: string }): Promise<JobPage>;
  /**
   * Takes jobs to run: first those whose lease ended with nobody to end them, then by priority; owners of equal priority
   * take turns, and each owner's jobs come in the order of submission.
   */
  lease(request: LeaseRequest): Promise<readonly LeasedJob[]>;
  /** Keeps leases for another while. Gives the ids of jobs that are no longer held: cancelled, or taken by another worker. */
  renew(leases: readonly Lease[], leaseMs: number): Promise<readonly string[]>;
  /** Notes that bytes may have reached the provider. False when the lease is lost. */
  markSent(lease: Lease): Promise<boolean>;
  /**
   * Ends a job, once, and frees its idempotency key in the same step where the result says so. False when the lease is
   * lost: the result is dropped.
   */
  complete(lease: Lease, result: JobResult): Promise<boolean>;
  /** Hands a job back that did not end; it goes to the front of its owner's queue. */
  release(lease: Lease): Promise<boolean>;
  /** Ends a waiting or running job. Gives the job as it is then, or `undefined` when there is none. */
  cancel(id: string): Promise<Job | undefined>;
  /**
   * Removes a job in whatever state, with its request, result, idempotency key and whatever notification was still to be
   * sent; a run of it loses its lease. False when there is no such job, or its result has expired.
   */
  delete(id: string): Promise<boolean>;
  /** Ends the leases of workers that are known to be dead, where the store can tell, so that nobody waits for their time to pass. */
  reap(): Promise<number>;
  /** Removes up to `limit` expired jobs. */
  sweep(limit: number): Promise<number>;
  counts(): Promise<JobCounts>;
  /** Takes notifications that are due, of other webhooks than `except`; each is due again after `leaseMs` unless it is settled. */
  leaseDeliveries(count: number, leaseMs: number, except?: readonly string[]): Promise<readonly Job[]>;
  /** Reports one try to notify. `retryAt` is milliseconds since 1970. False when it is not waiting any more. */
  settleDelivery(id: string, outcome: DeliveryOutcome): Promise<boolean>;
  /** Sends an ended job's notification again. `undefined` when there is no such job, or it has none. */
  redeliver(id: string): Promise<Job | undefined>;
}

export type JobState = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

/** A client's request, ready to be sent again. */
export interface JobRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** Query, headers and credentials, encrypted by whoever submits. */
  readonly sealed: Buffer;
  readonly body: Buffer;
}

export interface JobResult {
  readonly state: 'completed' | 'failed';
  /** HTTP status of the reply. */
  readonly status: number;
  readonly headers: FlatHeaders;
  readonly body: Buffer;
  /** A failure that used up nothing: the job ends without its idempotency key, which the next submission may take. */
  readonly freesKey?: true;
}

export interface NewJob {
  /** Cannot be guessed; sorts by time of submission. */
  readonly id: string;
  /** Who may see it; see `Caller.id`. */
  readonly owner: string;
  /** Higher runs first. */
  readonly priority: number;
  /** Milliseconds that a result lives, counted from the job's end. */
  readonly resultTtlMs: number;
  /** What the submitter wants to know again: operation, model and the like. */
  readonly facts: JsonObject;
  readonly request: JobRequest;
  readonly idempotency?: { readonly key: string; readonly fingerprint: string };
  /** Named webhook endpoint to notify when the job ends. */
  readonly webhook?: string;
}

export interface QueueLimits {
  readonly queued: number;
  readonly queuedPerOwner: number;
}

export interface Job {
  readonly id: string;
  readonly owner: string;
  readonly state: JobState;
  readonly priority: number;
  readonly facts: JsonObject;
  readonly resultTtlMs: number;
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly expiresAt?: number;
  /** How often it was taken to run. */
  readonly attempts: number;
  /** How often a worker died or stopped while it ran. */
  readonly interruptions: number;
  /** Bytes may have reached the provider, in any attempt. */
  readonly sent: boolean;
  /** HTTP status of its result. */
  readonly status?: number;
  readonly delivery?: Delivery;
}

export interface Delivery {
  readonly webhook: string;
  readonly state: 'pending' | 'waiting' | 'delivered' | 'failed';
  readonly attempts: number;
  /** What came of the last try: an HTTP status or a reason. */
  readonly lastOutcome?: string;
}

export type DeliveryOutcome = { readonly outcome: string } & (
  | { readonly state: 'delivered' | 'failed' }
  | { readonly state: 'waiting'; readonly retryAt: number }
);

export interface LeaseRequest {
  readonly count: number;
  readonly leaseMs: number;
  /** Jobs of one owner that may run at once, over all processes. The same in every process. */
  readonly perOwner: number;
}

/** The right to end one run of a job. A later run has a higher token; what an earlier one reports is refused. */
export interface Lease {
  readonly id: string;
  readonly token: number;
}

export interface LeasedJob extends Lease {
  readonly job: Job;
  readonly request: JobRequest;
}

export interface JobPage {
  readonly jobs: readonly Job[];
  readonly next: string | undefined;
}

/** Jobs by state; ended ones until they are swept. */
export type JobCounts = Readonly<Record<JobState, number>>;

export const jobsPort = definePort<Jobs>('jobs');

/** Set on the exchange that runs a job. Owned by the plugin that runs jobs. */
export interface JobRun {
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
  /** Earlier attempts were cut off by the end of a worker. */
  readonly interruptions: number;
  /** An earlier attempt may have reached the provider: what it cost may be charged already. */
  readonly sentBefore: boolean;
}

export const jobRunSlot = defineSlot<JobRun>('job-run');

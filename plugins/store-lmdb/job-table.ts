import type { Database, Key } from 'lmdb';
import type { JobCounts, JobRequest, JobResult, JobState } from '../../plugin-sdk/ports/jobs.ts';
import type { JobRecord } from './job-record.ts';
import { type Environment, openDatabase } from './open-shared.ts';

type IndexName = 'lease' | 'sweep' | 'due';

/** In one transaction: notifications for an endpoint that is silent may be many, and nobody wants them for now. */
const mostLookedAt = 10_000;
const noCounts: JobCounts = { queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };

/** Jobs with their indexes by time, owner and idempotency key, kept in step. Write inside a transaction. */
export class JobTable {
  readonly queue: Database<unknown, Key>;
  readonly requests: Database<JobRequest, string>;
  readonly results: Database<JobResult, string>;
  readonly #jobs: Database<JobRecord, string>;
  readonly #index: Database<unknown, Key>;

  constructor(environment: Environment) {
    this.queue = openDatabase(environment, 'queue');
    this.requests = openDatabase(environment, 'requests');
    this.results = openDatabase(environment, 'results');
    this.#jobs = openDatabase(environment, 'jobs');
    this.#index = openDatabase(environment, 'index');
  }

  get(id: string): JobRecord | undefined {
    return this.#jobs.get(id);
  }

  insert(record: JobRecord, request: JobRequest): void {
    this.#jobs.put(record.id, record);
    this.requests.put(record.id, request);
    this.#index.put(['owner', record.owner, record.id], 1);
    this.#count(record.state, 1);
  }

  /** Stores a changed record; `changes` with `undefined` remove a member. Indexes follow. */
  update(record: JobRecord, changes: { [K in keyof JobRecord]?: JobRecord[K] | undefined }): JobRecord {
    const next = { ...record, ...changes } as JobRecord;
    for (const [name, value] of Object.entries(changes)) if (value === undefined) delete next[name as keyof JobRecord];
    this.#jobs.put(next.id, next);
    this.#move('lease', next.id, record.lease?.until, next.lease?.until);
    this.#move('sweep', next.id, record.sweepAt, next.sweepAt);
    this.#move('due', next.id, record.delivery?.dueAt, next.delivery?.dueAt);
    if (next.state !== record.state) {
      this.#count(record.state, -1);
      this.#count(next.state, 1);
    }
    return next;
  }

  /** Removes a job and everything about it. */
  remove(record: JobRecord): void {
    const { id, owner } = record;
    this.#jobs.remove(id);
    this.requests.remove(id);
    this.results.remove(id);
    this.#index.remove(['owner', owner, id]);
    this.#removeSame(record);
    this.#move('lease', id, record.lease?.until, undefined);
    this.#move('sweep', id, record.sweepAt, undefined);
    this.#move('due', id, record.delivery?.dueAt, undefined);
    this.#count(record.state, -1);
  }

  /** Those wanted of the records whose time in that index is over, among the earliest {@link mostLookedAt} of them. */
  over(
    index: IndexName,
    now: number,
    limit: number,
    isWanted: (record: JobRecord) => boolean = () => true,
  ): readonly JobRecord[] {
    const found: JobRecord[] = [];
    for (const key of this.#index.getKeys({ start: [index], end: [index, now + 1], limit: mostLookedAt })) {
      if (found.length >= limit) break;
      const record = this.get((key as [string, number, string])[2]);
      if (record !== undefined && isWanted(record)) found.push(record);
    }
    return found;
  }

  /** Running jobs; their number is bounded by the workers there are. */
  *running(): Generator<JobRecord> {
    yield* this.over('lease', Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER);
  }

  /** True when a lease has ended with nobody to end it. Also outside a transaction. */
  hasLapsed(now: number): boolean {
    for (const _ of this.#index.getKeys({ start: ['lease'], end: ['lease', now + 1], limit: 1 })) return true;
    return false;
  }

  /** True when a notification is due. Also outside a transaction. */
  hasDue(now: number): boolean {
    for (const _ of this.#index.getKeys({ start: ['due'], end: ['due', now + 1], limit: 1 })) return true;
    return false;
  }

  /** Job ids of an owner, or of all, newest first, older than `after`. */
  idsOf(owner: string | undefined, after: string | undefined, limit: number): string[] {
    if (owner === undefined) {
      const ids = this.#jobs.getKeys({ start: after ?? '\uffff', reverse: true, limit: limit + 1 });
      return [...ids].filter((id) => id !== after).slice(0, limit);
    }
    const start = ['owner', owner, after ?? '\uffff'];
    const keys = this.#index.getKeys({ start, end: ['owner', owner], reverse: true, limit: limit + 1 });
    const ids = [...keys].map((key) => (key as [string, string, string])[2]);
    return ids.filter((id) => id !== after).slice(0, limit);
  }

  same(owner: string, key: string): { id: string; fingerprint: string } | undefined {
    return this.#index.get(['same', owner, key]) as { id: string; fingerprint: string } | undefined;
  }

  setSame(owner: string, key: string, id: string, fingerprint: string): void {
    this.#index.put(['same', owner, key], { id, fingerprint });
  }

  /** From now on the job's idempotency key is nobody's. */
  freeKey(record: JobRecord): void {
    this.#removeSame(record);
    this.update(record, { idempotencyKey: undefined });
  }

  /** The next of an endless series of numbers. */
  next(series: 'number' | 'turn'): number {
    const number = ((this.queue.get(series) as number | undefined) ?? 0) + 1;
    this.queue.put(series, number);
    return number;
  }

  get counts(): JobCounts {
    return (this.queue.get('counts') as JobCounts | undefined) ?? noCounts;
  }

  /** A key may have gone to a later job when this one had expired. */
  #removeSame({ id, owner, idempotencyKey }: JobRecord): void {
    if (idempotencyKey === undefined || this.same(owner, idempotencyKey)?.id !== id) return;
    this.#index.remove(['same', owner, idempotencyKey]);
  }

  #count(state: JobState, difference: number): void {
    const counts = this.counts;
    this.queue.put('counts', { ...counts, [state]: counts[state] + difference });
  }

  #move(index: IndexName, id: string, from: number | undefined, to: number | undefined): void {
    if (from === to) return;
    if (from !== undefined) this.#index.remove([index, from, id]);
    if (to !== undefined) this.#index.put([index, to, id], 1);
  }
}

import { GatewayError } from '../../plugin-sdk/errors.ts';
import type { Clock } from '../../plugin-sdk/host.ts';
import type {
  DeliveryOutcome,
  Job,
  JobCounts,
  JobPage,
  JobResult,
  Jobs,
  Lease,
  LeasedJob,
  LeaseRequest,
  NewJob,
  QueueLimits,
} from '../../plugin-sdk/ports/jobs.ts';
import { GroupCommit } from './group-commit.ts';
import { JobQueue } from './job-queue.ts';
import { type JobRecord, jobOf } from './job-record.ts';
import { JobTable } from './job-table.ts';
import type { Environment } from './open-shared.ts';
import { isGone, thisProcess } from './process-identity.ts';

/** A job whose notification still waits is kept this much longer than its result. */
const keptForDeliveryMs = 60_000;

/** The durable queue on LMDB: every change is one transaction over all processes of the machine, confirmed after its fsync. */
export class LmdbJobs implements Jobs {
  readonly #commit: GroupCommit;
  readonly #table: JobTable;
  readonly #queue: JobQueue;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(environment: Environment, clock: Pick<Clock, 'now'>) {
    this.#commit = new GroupCommit(environment);
    this.#table = new JobTable(environment);
    this.#queue = new JobQueue(this.#table.queue);
    this.#clock = clock;
  }

  submit(job: NewJob, limits: QueueLimits): Promise<{ job: Job; created: boolean }> {
    return this.#commit.run(() => {
      const earlier = this.#earlier(job);
      if (earlier !== undefined) return { job: jobOf(earlier), created: false };
      this.#checkLimits(job.owner, limits);
      const { id, owner, facts, resultTtlMs, request, idempotency, webhook } = job;
      const place = { owner, rank: 0 - job.priority, number: this.#table.next('number') };
      const record: JobRecord = {
        id,
        ...place,
        state: 'queued',
        facts,
        resultTtlMs,
        createdAt: this.#clock.now(),
        attempts: 0,
        interruptions: 0,
        sent: false,
        ...(idempotency !== undefined && { idempotencyKey: idempotency.key }),
        ...(webhook !== undefined && { delivery: { webhook, state: 'pending', attempts: 0 } }),
      };
      this.#table.insert(record, request);
      this.#queue.add(place, id);
      if (idempotency !== undefined) this.#table.setSame(owner, idempotency.key, id, idempotency.fingerprint);
      return { job: jobOf(record), created: true };
    });
  }

  async get(id: string): Promise<Job | undefined> {
    const record = this.#visible(id);
    return record === undefined ? undefined : jobOf(record);
  }

  async result(id: string): Promise<JobResult | undefined> {
    return this.#visible(id) === undefined ? undefined : this.#table.results.get(id);
  }

  async list(owner: string | undefined, { limit, after }: { limit: number; after?: string }): Promise<JobPage> {
    const ids = this.#table.idsOf(owner, after, limit);
    const jobs = ids.map((id) => this.#visible(id)).filter((record) => record !== undefined);
    return { jobs: jobs.map(jobOf), next: ids.length < limit ? undefined : ids.at(-1) };
  }

  async lease(request: LeaseRequest): Promise<readonly LeasedJob[]> {
    if (!this.#queue.hasNext && !this.#table.hasLapsed(this.#clock.now())) return [];
    return this.#commit.run(() => {
      const abandoned = [...this.#takeOver(request)];
      return [...abandoned, ...this.#takeNext({ ...request, count: request.count - abandoned.length })];
    });
  }

  async renew(leases: readonly Lease[], leaseMs: number): Promise<readonly string[]> {
    if (leases.length === 0) return [];
    return this.#commit.run(() => {
      const until = this.#clock.now() + leaseMs;
      const lost: string[] = [];
      for (const lease of leases) {
        const record = this.#held(lease);
        if (record === undefined) lost.push(lease.id);
        else this.#table.update(record, { lease: { ...record.lease, until } });
      }
      return lost;
    });
  }

  markSent(lease: Lease): Promise<boolean> {
    return this.#change(lease, (record) => this.#table.update(record, { sent: true }));
  }

  complete(lease: Lease, result: JobResult): Promise<boolean> {
    return this.#change(lease, (record) => {
      this.#table.results.put(record.id, result);
      const ended = this.#end(record, result.state, result.status);
      if (result.freesKey === true) this.#table.freeKey(ended);
    });
  }

  release(lease: Lease): Promise<boolean> {
    return this.#change(lease, (record) => {
      const interruptions = record.interruptions + (record.sent ? 1 : 0);
      this.#table.update(record, { state: 'queued', lease: undefined, interruptions });
      this.#queue.ended(record.owner);
      this.#queue.add(record, record.id);
    });
  }

  cancel(id: string): Promise<Job | undefined> {
    return this.#commit.run(() => {
      const record = this.#visible(id);
      if (record === undefined || record.endedAt !== undefined) return record && jobOf(record);
      if (record.state === 'queued') this.#queue.remove(record);
      return jobOf(this.#end(record, 'cancelled', undefined));
    });
  }

  delete(id: string): Promise<boolean> {
    return this.#commit.run(() => {
      const record = this.#visible(id);
      if (record === undefined) return false;
      if (record.state === 'queued') this.#queue.remove(record);
      else if (record.lease !== undefined) this.#queue.ended(record.owner);
      this.#table.remove(record);
      return true;
    });
  }

  async reap(): Promise<number> {
    const gone = (record: JobRecord): boolean => record.lease !== undefined && isGone(record.lease.worker);
    if (![...this.#table.running()].some(gone)) return 0;
    return this.#commit.run(() => {
      let count = 0;
      for (const record of this.#table.running()) {
        if (!gone(record)) continue;
        this.#table.update(record, { lease: { ...record.lease!, until: 0 } });
        count++;
      }
      return count;
    });
  }

  sweep(limit: number): Promise<number> {
    return this.#commit.run(() => {
      const now = this.#clock.now();
      let count = 0;
      for (const record of this.#table.over('sweep', now, limit)) {
        const dueAt = record.delivery?.dueAt;
        if (dueAt === undefined) {
          this.#table.remove(record);
          count++;
        } else this.#table.update(record, { sweepAt: Math.max(now, dueAt) + keptForDeliveryMs });
      }
      return count;
    });
  }

  async counts(): Promise<JobCounts> {
    return this.#table.counts;
  }

  async leaseDeliveries(count: number, leaseMs: number, except: readonly string[] = []): Promise<readonly Job[]> {
    if (!this.#table.hasDue(this.#clock.now())) return [];
    return this.#commit.run(() => {
      const now = this.#clock.now();
      const isWanted = ({ delivery }: JobRecord): boolean => !except.includes(delivery!.webhook);
      return this.#table.over('due', now, count, isWanted).map((record) => {
        const delivery = record.delivery!;
        const next = { ...delivery, attempts: delivery.attempts + 1, dueAt: now + leaseMs };
        return jobOf(this.#table.update(record, { delivery: next }));
      });
    });
  }

  settleDelivery(id: string, outcome: DeliveryOutcome): Promise<boolean> {
    return this.#commit.run(() => {
      const record = this.#table.get(id);
      if (record?.delivery?.state !== 'waiting') return false;
      const { webhook, attempts } = record.delivery;
      const dueAt = outcome.state === 'waiting' ? { dueAt: outcome.retryAt } : {};
      const delivery = { webhook, attempts, state: outcome.state, lastOutcome: outcome.outcome, ...dueAt };
      this.#table.update(record, { delivery });
      return true;
    });
  }

  redeliver(id: string): Promise<Job | undefined> {
    return this.#commit.run(() => {
      const record = this.#visible(id);
      if (record?.delivery === undefined || record.endedAt === undefined) return undefined;
      const delivery = { ...record.delivery, state: 'waiting' as const, attempts: 0, dueAt: this.#clock.now() };
      return jobOf(this.#table.update(record, { delivery }));
    });
  }

  /** Runs `change` on a running job while its lease holds. */
  #change(lease: Lease, change: (record: JobRecord) => void): Promise<boolean> {
    return this.#commit.run(() => {
      const record = this.#held(lease);
      if (record === undefined) return false;
      change(record);
      return true;
    });
  }

  #held({ id, token }: Lease): (JobRecord & { lease: NonNullable<JobRecord['lease']> }) | undefined {
    const record = this.#table.get(id);
    return record?.lease?.token === token ? { ...record, lease: record.lease } : undefined;
  }

  #visible(id: string): JobRecord | undefined {
    const record = this.#table.get(id);
    return record?.expiresAt !== undefined && record.expiresAt <= this.#clock.now() ? undefined : record;
  }

  /** The job that the same owner made with the same idempotency key, unless it has expired. */
  #earlier({ owner, idempotency }: NewJob): JobRecord | undefined {
    const same = idempotency && this.#table.same(owner, idempotency.key);
    const record = same && this.#visible(same.id);
    if (record !== undefined && same?.fingerprint !== idempotency?.fingerprint) {
      throw new GatewayError('JOB_KEY_REUSED', {});
    }
    return record;
  }

  #checkLimits(owner: string, limits: QueueLimits): void {
    if (this.#table.counts.queued >= limits.queued) {
      throw new GatewayError('LIMIT_QUEUE', { account: 'async jobs', limit: limits.queued });
    }
    if (this.#queue.readyOf(owner) >= limits.queuedPerOwner) {
      throw new GatewayError('LIMIT_QUEUE', { account: 'this caller', limit: limits.queuedPerOwner });
    }
  }

  *#takeOver({ count, leaseMs }: LeaseRequest): Generator<LeasedJob> {
    for (const record of this.#table.over('lease', this.#clock.now(), count)) {
      yield this.#start(record, leaseMs, record.interruptions + 1);
    }
  }

  *#takeNext({ count, leaseMs, perOwner }: LeaseRequest): Generator<LeasedJob> {
    for (let taken = 0; taken < count; taken++) {
      const id = this.#queue.take(perOwner, this.#table.next('turn'));
      if (id === undefined) return;
      const record = this.#table.get(id)!;
      yield this.#start(record, leaseMs, record.interruptions);
    }
  }

  #start(record: JobRecord, leaseMs: number, interruptions: number): LeasedJob {
    const now = this.#clock.now();
    const token = record.attempts + 1;
    const next = this.#table.update(record, {
      state: 'running',
      startedAt: record.startedAt ?? now,
      attempts: token,
      interruptions,
      lease: { until: now + leaseMs, token, worker: thisProcess },
    });
    return { id: next.id, token, job: jobOf(next), request: this.#table.requests.get(next.id)! };
  }

  /** Ends a job in any way: the request with its credentials goes, the result's life begins. */
  #end(record: JobRecord, state: 'completed' | 'failed' | 'cancelled', status: number | undefined): JobRecord {
    const now = this.#clock.now();
    const expiresAt = now + record.resultTtlMs;
    this.#table.requests.remove(record.id);
    if (record.lease !== undefined) this.#queue.ended(record.owner);
    const notify = record.delivery !== undefined && state !== 'cancelled';
    return this.#table.update(record, {
      state,
      status,
      lease: undefined,
      endedAt: now,
      expiresAt,
      sweepAt: expiresAt,
      delivery: notify ? { ...record.delivery!, state: 'waiting', dueAt: now } : record.delivery,
    });
  }
}

import type { Host } from '../../plugin-sdk/index.ts';
import type { Job, Jobs } from '../../plugin-sdk/ports/jobs.ts';
import { MissedTime } from './missed-time.ts';
import type { AsyncJobsOptions } from './options.ts';
import { Run } from './run.ts';
import type { Submissions } from './submission.ts';

const reapMs = 2_000;
const sweepMs = 15_000;
const sweepBatch = 500;
const afterFailureMs = 1_000;

/**
 * Takes jobs and runs them, so many at once. Every generation has a pool and the newest one takes jobs: after a reload
 * the old pool lets its runs end, at shutdown it hands them back.
 */
export class WorkerPool {
  readonly #host: Host;
  readonly #jobs: Jobs;
  readonly #submissions: Submissions;
  readonly #options: AsyncJobsOptions;
  /** All pools of this process, oldest first. */
  readonly #pools: WorkerPool[];
  readonly #runs = new Map<string, Run>();
  readonly #ended = new Map<string, Set<() => void>>();
  readonly #timers = new Map<string, () => void>();
  readonly #missed: MissedTime;
  #taking = false;
  #again = false;
  #stopping = false;
  #ready = false;
  #idle: (() => void) | undefined;
  /** Called when a job ended here. */
  onEnd: () => void = () => {};

  constructor(host: Host, jobs: Jobs, submissions: Submissions, options: AsyncJobsOptions) {
    this.#host = host;
    this.#jobs = jobs;
    this.#submissions = submissions;
    this.#options = options;
    this.#missed = new MissedTime(host.clock, options.pollMs, options.leaseSeconds * 1_000);
    this.#pools = host.shared(
      `async-jobs:${host.dataDir}`,
      () => [] as WorkerPool[],
      () => {},
    );
  }

  start(): void {
    this.#pools.push(this);
    const { pollMs, leaseSeconds } = this.#options;
    this.#every('take', pollMs, () => this.#take());
    this.#every('renew', (leaseSeconds * 1_000) / 10, () => this.#renew());
    this.#every('reap', reapMs, () => this.#reap());
    this.#every('sweep', sweepMs, () => this.#sweep());
    void this.#reap().catch(() => {});
  }

  /** There may be a job to take. */
  wake(): void {
    const pool = newest(this.#pools);
    if (pool !== undefined) void pool.#take();
  }

  /** Cancels a job wherever it is; a run in this process stops at once, in another within a tenth of its lease. */
  async cancel(id: string): Promise<Job | undefined> {
    const job = await this.#jobs.cancel(id);
    this.#stopRun(id);
    return job;
  }

  /** Deletes a job and stops its run, as {@link cancel} does. False when there is no such job. */
  async delete(id: string): Promise<boolean> {
    const deleted = await this.#jobs.delete(id);
    this.#stopRun(id);
    return deleted;
  }

  /** Resolves when a run of the job ended in this process, or after `ms`. */
  whenEnded(id: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const pools = [...this.#pools];
      const done = (): void => {
        forget();
        for (const pool of pools) pool.#ended.get(id)?.delete(done);
        resolve();
      };
      const forget = this.#host.clock.after(ms, done);
      for (const pool of pools) pool.#ended.set(id, (pool.#ended.get(id) ?? new Set()).add(done));
    });
  }

  /** Takes no more jobs; resolves when none of its runs is open. The last pool of the process hands back what still runs. */
  async stop(): Promise<void> {
    const isNewest = newest(this.#pools) === this;
    this.#stopping = true;
    if (isNewest) for (const pool of this.#pools) if (pool.#stopping) pool.#handBack();
    if (this.#runs.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    for (const cancel of this.#timers.values()) cancel();
    this.#pools.splice(this.#pools.indexOf(this), 1);
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  #stopRun(id: string): void {
    for (const pool of this.#pools) pool.#runs.get(id)?.stop('cancelled');
  }

  #handBack(): void {
    for (const run of this.#runs.values()) run.stop('shutdown');
  }

  async #take(): Promise<void> {
    if (this.#taking) {
      this.#again = true;
      return;
    }
    this.#taking = true;
    try {
      do {
        this.#again = false;
        if (this.#missed.isRecent()) return;
        const count = this.#options.concurrency - this.#runs.size;
        if (count <= 0 || this.#host.draining || newest(this.#pools) !== this || !this.#isReady()) return;
        const { leaseSeconds, perCaller } = this.#options;
        const leased = await this.#jobs.lease({ count, leaseMs: leaseSeconds * 1_000, perOwner: perCaller });
        for (const job of leased) this.#run(new Run(job, this.#host, this.#jobs, this.#submissions, this.#options));
      } while (this.#again);
    } catch (err) {
      this.#host.log.error({ err }, 'jobs cannot be taken from the store');
      await new Promise<void>((resolve) => void this.#host.clock.after(afterFailureMs, resolve));
    } finally {
      this.#taking = false;
    }
  }

  #run(run: Run): void {
    const { id } = run.leased;
    this.#runs.set(id, run);
    // Leased while this pool was being stopped: nobody else would stop it.
    if (this.#stopping) run.stop('shutdown');
    void run.perform().finally(() => {
      this.#runs.delete(id);
      for (const done of [...(this.#ended.get(id) ?? [])]) done();
      this.#ended.delete(id);
      this.onEnd();
      if (this.#runs.size === 0) this.#idle?.();
      this.wake();
    });
  }

  /** False while the gateway still sets up its plugins: nothing can run yet. */
  #isReady(): boolean {
    if (this.#ready) return true;
    try {
      this.#host.inspect();
      this.#ready = true;
    } catch {
      return false;
    }
    return true;
  }

  async #renew(): Promise<void> {
    const leases = [...this.#runs.values()].map(({ leased: { id, token } }) => ({ id, token }));
    const lost = await this.#jobs.renew(leases, this.#options.leaseSeconds * 1_000);
    for (const id of lost) this.#runs.get(id)?.stop('cancelled');
  }

  async #reap(): Promise<void> {
    if ((await this.#jobs.reap()) > 0) this.wake();
  }

  async #sweep(): Promise<void> {
    while (!this.#stopping && (await this.#jobs.sweep(sweepBatch)) === sweepBatch);
  }

  /** Repeats a task, with a pause after each time; a failure is logged and does not end the series. */
  #every(name: string, ms: number, task: () => Promise<void>): void {
    const next = (): void => {
      this.#timers.set(
        name,
        this.#host.clock.after(ms, () => {
          task()
            .catch((err) => this.#host.log.error({ err }, `jobs: ${name} failed`))
            .finally(() => {
              if (!this.#stopping || (name === 'renew' && this.#runs.size > 0)) next();
            });
        }),
      );
    };
    next();
  }
}

function newest(pools: readonly WorkerPool[]): WorkerPool | undefined {
  return pools.findLast((pool) => !pool.stopping);
}

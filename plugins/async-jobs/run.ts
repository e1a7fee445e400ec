import {
  type Code,
  callerSlot,
  type FetchedReply,
  GatewayError,
  type Host,
  isGatewayError,
  lowerName,
  type SlotValue,
  slotValue,
} from '../../plugin-sdk/index.ts';
import { type JobResult, type Jobs, jobRunSlot, type LeasedJob } from '../../plugin-sdk/ports/jobs.ts';
import { keptForKey } from './kept-for-key.ts';
import type { AsyncJobsOptions } from './options.ts';
import { storedError } from './stored-error.ts';
import type { SealedHead, Submissions } from './submission.ts';

/** Why a run is stopped from outside. */
export type StopReason = 'cancelled' | 'shutdown' | 'late';

/** Headers of a reply that say nothing about its content. */
const notStored = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'x-bf-config',
  'x-bf-explain',
]);
const completeRetryMs = 1_000;
const completeTries = 600;

/** One run of one job: through the gateway's own hooks, then its result into the store. */
export class Run {
  readonly leased: LeasedJob;
  readonly #host: Host;
  readonly #jobs: Jobs;
  readonly #submissions: Submissions;
  readonly #options: AsyncJobsOptions;
  readonly #control = new AbortController();
  #stopped: StopReason | undefined;
  /** Bytes may have reached the provider, in this run or an earlier one: one that was cut off may not have said so. */
  #sent: boolean;

  constructor(leased: LeasedJob, host: Host, jobs: Jobs, submissions: Submissions, options: AsyncJobsOptions) {
    this.leased = leased;
    this.#host = host;
    this.#jobs = jobs;
    this.#submissions = submissions;
    this.#options = options;
    this.#sent = leased.job.sent || leased.job.interruptions > 0;
  }

  stop(reason: StopReason): void {
    this.#stopped ??= reason;
    this.#control.abort();
  }

  /** Resolves when the job is ended or handed back; never rejects. */
  async perform(): Promise<void> {
    const forget = this.#host.clock.after(this.#options.maxRunSeconds * 1_000, () => this.stop('late'));
    try {
      const result = await this.#result();
      if (result !== undefined) await this.#complete(this.#freeingKey(result));
      else if (this.#stopped === 'shutdown') await this.#jobs.release(this.leased);
    } catch (err) {
      this.#host.log.error(
        { err, job: this.leased.id },
        'a job could not be ended; it runs again when its lease is over',
      );
    } finally {
      forget();
    }
  }

  /** What the job ends with; `undefined` when this run does not end it. */
  async #result(): Promise<JobResult | undefined> {
    const { job } = this.leased;
    const mayRepeat = this.#options.onInterrupted === 'retry' || !job.sent;
    if (job.interruptions > 0 && (!mayRepeat || job.interruptions > this.#options.maxInterruptions)) {
      return storedError(new GatewayError('JOB_INTERRUPTED', {}, { clientMayRetry: false }));
    }
    // Where a repeat is not wanted, the mark must be on disk before anything can be sent.
    if (this.#options.onInterrupted === 'fail' && !(await this.#jobs.markSent(this.leased))) return undefined;
    try {
      return this.#resultOf(await this.#send());
    } catch (error) {
      if (this.#stopped === 'late') {
        const ms = this.#options.maxRunSeconds * 1_000;
        return storedError(new GatewayError('UP_TIMEOUT', { provider: 'The job', what: 'no whole answer', ms }));
      }
      if (this.#stopped !== undefined) return undefined;
      return storedError(asGatewayError(error));
    }
  }

  /**
   * Whoever waits for the answer of a plain call repeats it with the same key, and must not get the refusal of then.
   * One that polls holds the job's id, and finds the failure again when its submission is repeated.
   */
  #freeingKey(result: JobResult): JobResult {
    if (this.leased.job.facts['client'] !== 'waits' || keptForKey(result, this.#sent)) return result;
    return { ...result, freesKey: true };
  }

  #send(): Promise<FetchedReply> {
    const { id, token, job, request } = this.leased;
    const { query, headers, caller } = this.#openHead();
    const run = { id, attempt: token, interruptions: job.interruptions, sentBefore: job.sent };
    const slots: SlotValue[] = [slotValue(jobRunSlot, run)];
    if (caller !== undefined) slots.push(slotValue(callerSlot, caller));
    return this.#host.run({
      method: request.method,
      url: request.path + query,
      headers,
      body: request.body.length === 0 ? undefined : request.body,
      slots,
      signal: this.#control.signal,
      onSent: () => this.#markSent(),
    });
  }

  #openHead(): SealedHead {
    try {
      return this.#submissions.open(this.leased.request.sealed, this.leased.id);
    } catch (cause) {
      throw new GatewayError(
        'STORE_UNAVAILABLE',
        { reason: 'the key that sealed this job is not the one here' },
        { cause },
      );
    }
  }

  #markSent(): void {
    this.#sent = true;
    if (this.leased.job.sent || this.#options.onInterrupted === 'fail') return;
    this.#jobs
      .markSent(this.leased)
      .catch((err) => this.#host.log.warn({ err, job: this.leased.id }, 'a job was not marked as sent'));
  }

  #resultOf({ status, headers, body }: FetchedReply): JobResult {
    const limit = this.#options.maxResultBytes;
    if (body.length > limit) {
      const reason = `it is larger than the ${limit} bytes that a job keeps`;
      const error = new GatewayError('UP_BAD_BODY', { provider: 'The provider', reason }, { clientMayRetry: false });
      return storedError(error);
    }
    const kept: string[] = [];
    for (let i = 0; i < headers.length; i += 2) {
      if (!notStored.has(lowerName(headers[i]!))) kept.push(headers[i]!, headers[i + 1]!);
    }
    return { state: status >= 400 ? 'failed' : 'completed', status, headers: kept, body };
  }

  /** A full disk may have room again in a while; until then the answer stays here and the lease is renewed. */
  async #complete(result: JobResult): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const ended = await this.#jobs.complete(this.leased, result);
        if (!ended)
          this.#host.log.warn(
            { job: this.leased.id },
            'a job had ended before its run did; the late answer is dropped',
          );
        return;
      } catch (error) {
        if (tries === completeTries || this.#stopped === 'shutdown') throw error;
        await new Promise<void>((resolve) => void this.#host.clock.after(completeRetryMs, resolve));
      }
    }
  }
}

function asGatewayError(error: unknown): GatewayError<Code> {
  if (isGatewayError(error)) return error;
  return new GatewayError('BUG', { reason: error instanceof Error ? error.message : String(error) }, { cause: error });
}

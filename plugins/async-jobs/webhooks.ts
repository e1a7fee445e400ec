import { type Host, isGatewayError } from '../../plugin-sdk/index.ts';
import type { DeliveryOutcome, Job, Jobs } from '../../plugin-sdk/ports/jobs.ts';
import { isPrivateName, locate } from '../../plugin-sdk/provider-options.ts';
import { nativeJob } from './native-job.ts';
import type { WebhookOptions } from './options.ts';
import { signWebhook } from './webhook-signature.ts';

const lookMs = 1_000;
/** Tries that run at once: of one endpoint, so that one that is silent does not hold up the others, and of all. */
const mostOfOne = 10;
const mostOfAll = 100;
/** Of a receiver's reply nothing is used but its status. */
const replyBytes = 65_536;

/** Tells named endpoints that a job ended: signed, repeated with growing pauses, at least once whatever dies in between. */
export class Webhooks {
  readonly #host: Host;
  readonly #jobs: Jobs;
  readonly #endpoints: Readonly<Record<string, WebhookOptions>>;
  #cancelTimer: (() => void) | undefined;
  #sending: Promise<void> | undefined;
  /** Tries that run, each with its endpoint. */
  readonly #tries = new Map<Promise<void>, string>();
  #stopped = false;

  constructor(host: Host, jobs: Jobs, endpoints: Readonly<Record<string, WebhookOptions>>) {
    this.#host = host;
    this.#jobs = jobs;
    this.#endpoints = endpoints;
  }

  start(): void {
    this.#cancelTimer = this.#host.clock.after(lookMs, () => {
      this.wake();
      if (!this.#stopped) this.start();
    });
  }

  /** There may be something to send. */
  wake(): void {
    if (this.#stopped) return;
    this.#sending ??= this.#send()
      .catch((err) => this.#host.log.error({ err }, 'webhooks cannot be read from the store'))
      .finally(() => {
        this.#sending = undefined;
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    await this.#sending;
    await Promise.all(this.#tries.keys());
  }

  async #send(): Promise<void> {
    const longest = Math.max(0, ...Object.values(this.#endpoints).map(({ timeoutSeconds }) => timeoutSeconds));
    for (;;) {
      const count = Math.min(mostOfOne, mostOfAll - this.#tries.size);
      if (count <= 0) return;
      const due = await this.#jobs.leaseDeliveries(count, longest * 1_000 + 30_000, this.#busy());
      for (const job of due) this.#begin(job);
      if (due.length < count || this.#stopped) return;
    }
  }

  #begin(job: Job): void {
    const tried = this.#notify(job)
      .catch((err) => this.#host.log.error({ err, job: job.id }, 'what became of a webhook cannot be stored'))
      .finally(() => {
        this.#tries.delete(tried);
        this.wake();
      });
    this.#tries.set(tried, job.delivery!.webhook);
  }

  /** Endpoints that run as many tries as they may. */
  #busy(): string[] {
    const counts = new Map<string, number>();
    for (const name of this.#tries.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts].filter(([, count]) => count >= mostOfOne).map(([name]) => name);
  }

  async #notify(job: Job): Promise<void> {
    const { webhook, attempts } = job.delivery!;
    const endpoint = this.#endpoints[webhook];
    if (endpoint === undefined) {
      await this.#jobs.settleDelivery(job.id, { state: 'failed', outcome: 'the endpoint is not configured any more' });
      return;
    }
    const outcome = await this.#post(job, webhook, endpoint);
    const delivered = /^2\d\d$/.test(outcome);
    if (delivered) await this.#settle(job, { state: 'delivered', outcome });
    else if (outcome === '410' || attempts > endpoint.maxRetries) await this.#settle(job, { state: 'failed', outcome });
    else {
      const { backoffSeconds, maxBackoffSeconds } = endpoint;
      const pause = Math.min(maxBackoffSeconds, backoffSeconds * 2 ** (attempts - 1)) * 1_000;
      const retryAt = this.#host.clock.now() + pause * (0.9 + Math.random() * 0.2);
      await this.#settle(job, { state: 'waiting', outcome, retryAt: Math.round(retryAt) });
    }
  }

  async #settle(job: Job, outcome: DeliveryOutcome): Promise<void> {
    await this.#jobs.settleDelivery(job.id, outcome);
    if (outcome.state !== 'delivered') {
      this.#host.log.warn({ job: job.id, webhook: job.delivery?.webhook, ...outcome }, 'a webhook was not delivered');
    }
  }

  /** One try; gives the status of the reply, or why there was none. */
  async #post(job: Job, name: string, endpoint: WebhookOptions): Promise<string> {
    const { url, secret, previousSecret, timeoutSeconds } = endpoint;
    const body = await this.#payload(job, endpoint);
    const id = `msg_${job.id}`;
    const seconds = Math.floor(this.#host.clock.now() / 1_000);
    const secrets = previousSecret === undefined ? [secret] : [secret, previousSecret];
    const { origin, path } = locate(url, '');
    try {
      const reply = await this.#host.fetch(
        {
          provider: `webhook ${name}`,
          origin,
          path: path === '' ? '/' : path,
          method: 'POST',
          headers: [
            'content-type',
            'application/json',
            'user-agent',
            'bifrost-kernel',
            'webhook-id',
            id,
            'webhook-timestamp',
            String(seconds),
            'webhook-signature',
            secrets.map((one) => signWebhook(one, id, seconds, body)).join(' '),
          ],
          body,
          privateAddresses: endpoint.allowPrivateNetwork ?? isPrivateName(url),
        },
        { timeoutMs: timeoutSeconds * 1_000, bodyBytes: replyBytes },
      );
      return String(reply.status);
    } catch (error) {
      return isGatewayError(error) ? error.message : String(error);
    }
  }

  async #payload(job: Job, { includeResponse, maxPayloadBytes }: WebhookOptions): Promise<string> {
    const event = (data: unknown): string =>
      JSON.stringify({
        type: job.state === 'failed' ? 'async_job.failed' : 'async_job.completed',
        timestamp: new Date(job.endedAt ?? job.createdAt).toISOString(),
        data,
      });
    const result = includeResponse ? await this.#jobs.result(job.id) : undefined;
    const whole = event(nativeJob(job, result));
    return Buffer.byteLength(whole) <= maxPayloadBytes ? whole : event(nativeJob(job));
  }
}

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Code, GatewayError } from '../../plugin-sdk/errors.ts';
import type { Clock } from '../../plugin-sdk/host.ts';
import type { Logger } from '../../plugin-sdk/logger.ts';
import type {
  DeliveryOutcome,
  JobResult,
  Jobs,
  Lease,
  LeaseRequest,
  NewJob,
  QueueLimits,
} from '../../plugin-sdk/ports/jobs.ts';
import { pack, unpack } from './thread-bytes.ts';

export interface Call {
  readonly number: number;
  readonly method: keyof Jobs;
  readonly args: unknown[];
  /** Milliseconds since 1970, by the caller's clock. */
  readonly now: number;
}

export type Answer =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly code: Code; readonly fields: Readonly<Record<string, string | number>> };

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A thread has a cache of compiled code of its own, which must be on before the first TypeScript file is read, and is only
 * kept at once when told to: not every process ends in peace.
 */
const threadStart = `const { enableCompileCache, flushCompileCache } = require('node:module');
enableCompileCache();
import(require('node:worker_threads').workerData.module).then(() => flushCompileCache());`;
const threadFile = new URL(`./jobs-thread${extname(import.meta.filename)}`, import.meta.url);

/**
 * The jobs of a folder, kept by a thread of their own. What is asked for while the thread waits for a disk makes up its
 * next commit. A thread that dies is replaced by the next call; calls that it had not answered are refused.
 */
export class ThreadedJobs implements Jobs {
  readonly #path: string;
  readonly #mapBytes: number;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #log: Pick<Logger, 'error'>;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #count = 0;
  #closed = false;

  constructor(path: string, mapBytes: number, clock: Pick<Clock, 'now'>, log: Pick<Logger, 'error'>) {
    this.#path = path;
    this.#mapBytes = mapBytes;
    this.#clock = clock;
    this.#log = log;
  }

  submit(job: NewJob, limits: QueueLimits): ReturnType<Jobs['submit']> {
    return this.#call('submit', job, limits);
  }
  get(id: string): ReturnType<Jobs['get']> {
    return this.#call('get', id);
  }
  result(id: string): ReturnType<Jobs['result']> {
    return this.#call('result', id);
  }
  list(owner: string | undefined, page: Parameters<Jobs['list']>[1]): ReturnType<Jobs['list']> {
    return this.#call('list', owner, page);
  }
  lease(request: LeaseRequest): ReturnType<Jobs['lease']> {
    return this.#call('lease', request);
  }
  renew(leases: readonly Lease[], leaseMs: number): ReturnType<Jobs['renew']> {
    return this.#call('renew', leases, leaseMs);
  }
  markSent({ id, token }: Lease): Promise<boolean> {
    return this.#call('markSent', { id, token });
  }
  complete({ id, token }: Lease, result: JobResult): Promise<boolean> {
    return this.#call('complete', { id, token }, result);
  }
  release({ id, token }: Lease): Promise<boolean> {
    return this.#call('release', { id, token });
  }
  cancel(id: string): ReturnType<Jobs['cancel']> {
    return this.#call('cancel', id);
  }
  delete(id: string): Promise<boolean> {
    return this.#call('delete', id);
  }
  reap(): Promise<number> {
    return this.#call('reap');
  }
  sweep(limit: number): Promise<number> {
    return this.#call('sweep', limit);
  }
  counts(): ReturnType<Jobs['counts']> {
    return this.#call('counts');
  }
  leaseDeliveries(...of: Parameters<Jobs['leaseDeliveries']>): ReturnType<Jobs['leaseDeliveries']> {
    return this.#call('leaseDeliveries', ...of);
  }
  settleDelivery(id: string, outcome: DeliveryOutcome): Promise<boolean> {
    return this.#call('settleDelivery', id, outcome);
  }
  redeliver(id: string): ReturnType<Jobs['redeliver']> {
    return this.#call('redeliver', id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    worker.ref();
    const exit = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage('close');
    await exit;
  }

  #call<T>(method: keyof Jobs, ...args: unknown[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) {
        reject(new GatewayError('STORE_UNAVAILABLE', { reason: 'it is closed' }));
        return;
      }
      const worker = (this.#worker ??= this.#start());
      const number = this.#count++;
      // The thread keeps the process alive only while somebody waits for it.
      if (this.#waiting.size === 0) worker.ref();
      this.#waiting.set(number, { resolve, reject });
      const transfers: ArrayBuffer[] = [];
      worker.postMessage(
        { number, method, args: pack(args, transfers), now: this.#clock.now() } satisfies Call,
        transfers,
      );
    });
  }

  #start(): Worker {
    const worker = new Worker(threadStart, {
      eval: true,
      workerData: { module: threadFile.href, path: this.#path, mapBytes: this.#mapBytes },
    });
    worker.unref();
    worker.on('message', (answer: Answer) => this.#take(answer));
    // The cause names folders, which callers are not to see.
    worker.on('error', (cause) => this.#log.error({ err: cause }, 'the thread that keeps the jobs has ended'));
    worker.on('exit', () => this.#lose(worker, "its thread has ended; the gateway's log says why"));
    return worker;
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.number);
    this.#waiting.delete(answer.number);
    // While it closes, whoever closes it waits for the thread.
    if (this.#waiting.size === 0 && !this.#closed) this.#worker?.unref();
    if ('value' in answer) waiting?.resolve(unpack(answer.value) as never);
    else waiting?.reject(new GatewayError(answer.code, answer.fields as never));
  }

  #lose(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(new GatewayError('STORE_UNAVAILABLE', { reason }));
    this.#waiting.clear();
  }
}

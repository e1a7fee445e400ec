import cluster, { type Worker } from 'node:cluster';
import type { Logger } from '../plugin-sdk/index.ts';

/** A worker that dies within this time of its start is not replaced at once. */
const healthyMs = 10_000;
const maxDelayMs = 10_000;

/** A worker process, from its start to its end. */
interface Member {
  readonly worker: Worker;
  readonly startedAt: number;
  /** True once it serves, false when it ended before. */
  readonly started: Promise<boolean>;
  readonly onStarted: (serves: boolean) => void;
  serves: boolean;
  /** SIGHUP came before it served, when that would have ended it. */
  mustReload: boolean;
  /** Another is started when this one ends. */
  isNeeded: boolean;
}

/** The processes that serve one port: started, told of changes, replaced one after the other, and anew when they die. */
export class WorkerGroup {
  /** Resolves with the exit code when the last worker has ended after {@link stop}, or none can start. */
  readonly ended: Promise<number>;
  readonly #count: number;
  readonly #log: Logger;
  readonly #onReady: () => void;
  readonly #end: (code: number) => void;
  /** Those whose process runs; `cluster.workers` also has some that ended with their channel not closed yet. */
  readonly #members = new Map<number, Member>();
  #served = 0;
  #delayMs = 0;
  #stopping = false;
  #rolled = Promise.resolve();
  #willRoll = false;

  /** `onReady` is called when as many workers serve for the first time as there are to be. */
  constructor(count: number, log: Logger, onReady: () => void) {
    this.#count = count;
    this.#log = log;
    this.#onReady = onReady;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** Starts one, and the others when it serves: the first one alone meets a mistake in the config, so that it is told once. */
  start(): void {
    this.#fork();
  }

  stop(): void {
    this.#stopping = true;
    for (const { worker } of this.#members.values()) worker.process.kill('SIGTERM');
    if (this.#members.size === 0) this.#end(0);
  }

  /** Each reads the config again. */
  reload(): void {
    for (const member of this.#members.values()) {
      if (member.serves) member.worker.process.kill('SIGHUP');
      else member.mustReload = true;
    }
  }

  /** Replaces each worker once its successor serves. Asked for meanwhile, it is done once more. */
  roll(): void {
    if (this.#willRoll) return;
    this.#willRoll = true;
    this.#rolled = this.#rolled.then(() => {
      this.#willRoll = false;
      return this.#replaceAll();
    });
  }

  #fork(): Member {
    const worker = cluster.fork();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const member: Member = {
      worker,
      startedAt: Date.now(),
      started: promise,
      onStarted: resolve,
      serves: false,
      mustReload: false,
      isNeeded: true,
    };
    this.#members.set(worker.id, member);
    worker.on('message', (message) => message === 'ready' && this.#serves(member));
    worker.once('exit', (code, cause) => this.#lost(member, code, cause));
    worker.on('error', (error: NodeJS.ErrnoException) => {
      // The system would not start it. Any other error is of a message to one that ends.
      if (worker.process.pid === undefined) this.#lost(member, null, error.code ?? error.message);
    });
    return member;
  }

  #serves(member: Member): void {
    member.serves = true;
    member.onStarted(true);
    // It was told to stop just before it could say so.
    if (this.#stopping) return;
    if (member.mustReload) member.worker.process.kill('SIGHUP');
    this.#served += 1;
    if (this.#served === 1) for (let i = 1; i < this.#count; i++) this.#fork();
    if (this.#served === this.#count) this.#onReady();
  }

  #lost(member: Member, code: number | null, cause: string | null): void {
    this.#members.delete(member.worker.id);
    member.onStarted(false);
    if (this.#stopping) {
      if (this.#members.size === 0) this.#end(0);
      return;
    }
    if (code === 78 && this.#served === 0) {
      // The config cannot be used: another worker would fail too. Later, those that serve go on with the old one.
      this.#stopping = true;
      this.#end(code);
      return;
    }
    if (!member.isNeeded) return;
    const livedMs = Date.now() - member.startedAt;
    this.#delayMs = livedMs > healthyMs ? 0 : Math.min(Math.max(this.#delayMs * 2, 100), maxDelayMs);
    const { pid } = member.worker.process;
    this.#log.error({ pid, code, cause, restartInMs: this.#delayMs }, 'a worker died; starting another');
    setTimeout(() => {
      if (!this.#stopping) this.#fork();
    }, this.#delayMs);
  }

  async #replaceAll(): Promise<void> {
    for (const old of [...this.#members.values()]) {
      if (this.#stopping) return;
      // One that drains has its successor already.
      if (!this.#members.has(old.worker.id) || !old.isNeeded) continue;
      const fresh = this.#fork();
      // Should one of the two end, the other is there.
      old.isNeeded = false;
      fresh.isNeeded = false;
      const serves = await fresh.started;
      if (this.#stopping) return;
      if (!serves) {
        this.#log.error({ pid: fresh.worker.process.pid }, 'a successor did not start; the other workers stay');
        old.isNeeded = true;
        if (!this.#members.has(old.worker.id)) this.#fork();
        return;
      }
      fresh.isNeeded = true;
      old.worker.process.kill('SIGTERM');
      this.#log.info({ old: old.worker.process.pid, new: fresh.worker.process.pid }, 'worker replaced');
    }
  }
}

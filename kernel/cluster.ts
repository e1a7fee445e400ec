import cluster, { type Worker } from 'node:cluster';
import { availableParallelism } from 'node:os';
import type { Logger } from '../plugin-sdk/index.ts';
import type { Config } from './config/config.ts';

/** A worker that dies within this time of its start is not replaced at once. */
const healthyMs = 10_000;
const maxDelayMs = 10_000;

export function workerCount(workers: Config['server']['workers']): number {
  return workers === 'auto' ? availableParallelism() : workers;
}

/**
 * Runs several processes that serve one port, and replaces the one that dies. The workers hold all state in the store,
 * which they share. SIGHUP reloads each; SIGUSR2 replaces them one after the other; SIGTERM drains them all.
 *
 * Resolves with the exit code when the last worker has ended after a signal.
 */
export function runPrimary(count: number, args: readonly string[], log: Logger, onReady: () => void): Promise<number> {
  cluster.setupPrimary({ args: [...args] });
  let stopping = false;
  let ready = 0;
  let delayMs = 0;
  /** Of each worker whose process runs. `cluster.workers` has those too that ended with their channel not closed yet. */
  const startedAt = new Map<number, number>();
  const fork = (): Worker => {
    const worker = cluster.fork();
    startedAt.set(worker.id, Date.now());
    worker.on('message', (message) => {
      if (message !== 'ready') return;
      ready += 1;
      // The first one alone meets a mistake in the config, so that it is told once.
      if (ready === 1) for (let i = 1; i < count; i++) fork();
      if (ready === count) onReady();
    });
    return worker;
  };
  const signal = (name: NodeJS.Signals): void => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(name);
  };
  return new Promise((resolve) => {
    cluster.on('exit', (worker, code, cause) => {
      const livedMs = Date.now() - (startedAt.get(worker.id) ?? 0);
      startedAt.delete(worker.id);
      if (stopping) {
        if (startedAt.size === 0) resolve(0);
        return;
      }
      if (code === 78 && ready === 0) {
        // The config cannot be used: another worker would fail too. Later, those that serve go on with the old one.
        stopping = true;
        signal('SIGTERM');
        resolve(code);
        return;
      }
      if (worker.exitedAfterDisconnect) return;
      delayMs = livedMs > healthyMs ? 0 : Math.min(Math.max(delayMs * 2, 100), maxDelayMs);
      log.error({ pid: worker.process.pid, code, cause, restartInMs: delayMs }, 'a worker died; starting another');
      setTimeout(() => {
        if (!stopping) fork();
      }, delayMs);
    });
    fork();
    process.on('SIGHUP', () => signal('SIGHUP'));
    process.on('SIGUSR2', () => void roll(fork, log));
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        stopping = true;
        signal('SIGTERM');
        if (startedAt.size === 0) resolve(0);
      });
    }
  });
}

/** Replaces each worker once its successor serves. */
async function roll(fork: () => Worker, log: Logger): Promise<void> {
  for (const old of Object.values(cluster.workers ?? {})) {
    if (old === undefined) continue;
    const fresh = fork();
    // If it fails, nobody replaces it.
    fresh.exitedAfterDisconnect = true;
    const serves = await new Promise<boolean>((resolve) => {
      fresh.on('message', (message) => message === 'ready' && resolve(true));
      fresh.once('exit', () => resolve(false));
    });
    if (!serves) {
      log.error({ pid: fresh.process.pid }, 'a successor did not start; the other workers stay');
      return;
    }
    fresh.exitedAfterDisconnect = false;
    old.exitedAfterDisconnect = true;
    old.process.kill('SIGTERM');
    log.info({ old: old.process.pid, new: fresh.process.pid }, 'worker replaced');
  }
}

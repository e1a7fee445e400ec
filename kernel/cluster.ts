import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import type { Logger } from '../plugin-sdk/index.ts';
import type { Config } from './config/config.ts';
import { WorkerGroup } from './worker-group.ts';

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
  const workers = new WorkerGroup(count, log, onReady);
  process.on('SIGHUP', () => workers.reload());
  process.on('SIGUSR2', () => workers.roll());
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => workers.stop());
  workers.start();
  return workers.ended;
}

import { join } from 'node:path';
import type { Host } from '../../plugin-sdk/host.ts';
import { type Environment, openShared, refuseDamaged } from './open-shared.ts';
import { ThreadedJobs } from './threaded-jobs.ts';

/** The jobs under `<dataDir>/jobs`, once per process: an environment of their own, since bodies are large. */
export function openThreadedJobs(
  host: Pick<Host, 'clock' | 'dataDir' | 'log' | 'shared'>,
  mapBytes: number,
): ThreadedJobs {
  const path = join(host.dataDir, 'jobs');
  return host.shared(
    `store-lmdb-jobs:${host.dataDir}`,
    () => {
      // Its thread would find out with the first job.
      refuseDamaged(path);
      return new ThreadedJobs(path, mapBytes, host.clock, host.log);
    },
    (jobs) => jobs.close(),
  );
}

/** A commit is on disk when its transaction returns. */
export function openJobs(path: string, mapBytes: number): Environment {
  return openShared(path, { maxDbs: 8, mapSize: mapBytes, encoding: 'msgpack', overlappingSync: false });
}

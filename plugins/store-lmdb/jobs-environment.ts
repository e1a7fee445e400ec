import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { Host } from '../../plugin-sdk/host.ts';
import type { Environment } from './environment.ts';

/**
 * Opens the jobs' own environment under `<dataDir>/jobs`, once per process: bodies are large, and the queue's many
 * small commits should wait for nobody. A commit gives up the write lock before its fsync (`overlappingSync`);
 * {@link GroupCommit} confirms only after the fsync.
 */
export function openJobsEnvironment(host: Pick<Host, 'dataDir' | 'shared'>, mapBytes: number): Environment {
  return host.shared(
    `store-lmdb-jobs:${host.dataDir}`,
    () => openJobs(join(host.dataDir, 'jobs'), mapBytes),
    (environment) => environment.close(),
  );
}

export function openJobs(path: string, mapBytes: number): Environment {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return open({ path, maxDbs: 8, mapSize: mapBytes, encoding: 'msgpack', overlappingSync: true });
}

import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import type { Host } from '../../plugin-sdk/index.ts';
import { close, writesAlone } from './commit.ts';
import { makeFolder } from './make-folder.ts';

/** The one LMDB environment of a data folder, shared by all generations of this process and all processes of the machine. */
export type Environment = RootDatabase;

/**
 * Opens the environment under `<dataDir>/store`, once per process.
 *
 * Commits are durable (fsync) and batched by LMDB; a crash loses nothing that was confirmed. `overlappingSync` stays off
 * because a confirmed write must be on disk.
 */
export function openEnvironment(host: Host, mapBytes: number): Environment {
  return host.shared(
    `store-lmdb:${host.dataDir}`,
    () => {
      const path = join(host.dataDir, 'store');
      makeFolder(path);
      return open({ path, maxDbs: 32, mapSize: mapBytes, encoding: 'msgpack', ...writesAlone });
    },
    close,
  );
}

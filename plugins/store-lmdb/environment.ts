import { join } from 'node:path';
import type { Host } from '../../plugin-sdk/index.ts';
import { close, writesAlone } from './commit.ts';
import { type Environment, openShared } from './open-shared.ts';

/**
 * Opens the environment under `<dataDir>/store`, once per process. A commit is on disk when `flushed` resolves; a crash
 * loses nothing that is confirmed only then.
 */
export function openEnvironment(host: Host, mapBytes: number): Environment {
  return host.shared(
    `store-lmdb:${host.dataDir}`,
    () =>
      openShared(join(host.dataDir, 'store'), { maxDbs: 32, mapSize: mapBytes, encoding: 'msgpack', ...writesAlone }),
    close,
  );
}

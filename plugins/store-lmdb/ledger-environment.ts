import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { Host } from '../../plugin-sdk/host.ts';
import type { Environment } from './environment.ts';

/**
 * Opens the ledger's own environment under `<dataDir>/ledger`, once per process, without fsync: a reservation costs
 * microseconds instead of a disk write. What was committed lies in the page cache, so it survives the death of any
 * process; only a crash of the machine can lose the last seconds.
 */
export function openLedgerEnvironment(host: Host, mapBytes: number): Environment {
  return host.shared(
    `store-lmdb-ledger:${host.dataDir}`,
    () => {
      const path = join(host.dataDir, 'ledger');
      mkdirSync(path, { recursive: true });
      return open({ path, maxDbs: 8, mapSize: mapBytes, noSync: true });
    },
    (environment) => environment.close(),
  );
}

import { join } from 'node:path';
import type { Host } from '../../plugin-sdk/host.ts';
import { LedgerSnapshots } from './ledger-snapshots.ts';
import { closeShared, type Environment, openShared, whileAlone } from './open-shared.ts';

const snapshotEveryMs = 10_000;
/** A large ledger is written less often: at most this share of the time goes into it. */
const snapshotShare = 0.02;
const notSaved = 'the ledger could not be saved';

/**
 * Opens the ledger's own environment under `<dataDir>/ledger`, once per process, without fsync: a reservation costs
 * microseconds instead of a disk write. What was committed lies in the page cache, so it survives the death of any
 * process. A crash of the machine takes the ledger back to its last snapshot, at most seconds old.
 */
export function openLedgerEnvironment(host: Host, mapBytes: number): Environment {
  const shared = host.shared(
    `store-lmdb-ledger:${host.dataDir}`,
    () => {
      const path = join(host.dataDir, 'ledger');
      const snapshots = new LedgerSnapshots(host.dataDir);
      snapshots.restore((step) => whileAlone(path, step), host.log);
      const environment = openShared(path, { maxDbs: 8, mapSize: mapBytes, noSync: true });
      return { environment, snapshots, stop: keepSnapshots(host, environment, snapshots) };
    },
    async ({ environment, snapshots, stop }) => {
      await stop();
      await snapshots.take(environment, 0).catch((err) => host.log.error({ err }, notSaved));
      await closeShared(environment);
    },
  );
  return shared.environment;
}

/** Takes snapshots until stopped; stopping waits for the one under way. */
function keepSnapshots(
  { clock, log }: Host,
  environment: Environment,
  snapshots: LedgerSnapshots,
): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let cancel = (): void => {};
  let stopped = false;
  const schedule = (afterMs: number): void => {
    cancel = clock.after(afterMs, () => {
      const started = clock.monotonic();
      running = snapshots
        .take(environment, snapshotEveryMs / 2)
        .catch((err) => log.error({ err }, notSaved))
        .then(() => {
          if (!stopped) schedule(Math.max(snapshotEveryMs, (clock.monotonic() - started) / snapshotShare));
        });
    });
  };
  schedule(snapshotEveryMs);
  return () => {
    stopped = true;
    cancel();
    return running;
  };
}

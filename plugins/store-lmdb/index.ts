import { join } from 'node:path';
import { z } from 'zod';
import { bind, definePlugin } from '../../plugin-sdk/index.ts';
import { cachePort } from '../../plugin-sdk/ports/cache.ts';
import { entitiesPort } from '../../plugin-sdk/ports/entities.ts';
import { jobsPort } from '../../plugin-sdk/ports/jobs.ts';
import { ledgerPort } from '../../plugin-sdk/ports/ledger.ts';
import { recordsPort } from '../../plugin-sdk/ports/records.ts';
import { secretString } from '../../plugin-sdk/provider-options.ts';
import { LmdbCache } from './cache.ts';
import { LmdbEntities } from './entities.ts';
import { openEnvironment } from './environment.ts';
import { openThreadedJobs } from './jobs-environment.ts';
import { LeasedLedger } from './leased-ledger.ts';
import { LmdbLedger } from './ledger.ts';
import { openLedgerEnvironment } from './ledger-environment.ts';
import { LmdbRecords } from './records.ts';
import { Sealing } from './sealing.ts';

/** Every port on embedded LMDB environments: crash-safe, shared by the processes of one machine. */
export default definePlugin({
  name: 'plugins/store-lmdb',
  description: 'Stores everything in embedded LMDB environments under dataDir.',
  options: z.strictObject({
    mapBytes: z
      .number()
      .int()
      .min(1_048_576)
      .default(64 * 1024 ** 3)
      .describe('Address space to map; not memory or disk.'),
    sealingKey: secretString
      .optional()
      .describe('Seals stored provider keys, best as env.NAME; a file in dataDir when absent.'),
  }),
  provides: [
    entitiesPort.capability,
    ledgerPort.capability,
    recordsPort.capability,
    jobsPort.capability,
    cachePort.capability,
  ],
  setup(options, host) {
    const environment = openEnvironment(host, options.mapBytes);
    const exact = new LmdbLedger(openLedgerEnvironment(host, options.mapBytes), host.clock);
    const ledger = new LeasedLedger(exact, host.clock);
    const sealing =
      options.sealingKey === undefined
        ? Sealing.withKeyFile(join(host.dataDir, 'store', 'seal.key'))
        : new Sealing(options.sealingKey);
    return {
      ports: [
        bind(entitiesPort, new LmdbEntities(environment, sealing, host.clock)),
        bind(ledgerPort, ledger),
        bind(jobsPort, openThreadedJobs(host, options.mapBytes)),
        bind(recordsPort, new LmdbRecords(host, options.mapBytes)),
        bind(cachePort, new LmdbCache(host, options.mapBytes)),
      ],
      teardown: () => ledger.flush(),
    };
  },
});

import type { Host } from '../../plugin-sdk/index.ts';
import { graphMaker } from '../../plugins/semantic-cache/graph-maker.ts';
import { IndexFiles } from '../../plugins/semantic-cache/index-files.ts';
import { PartitionIndex } from '../../plugins/semantic-cache/partition-index.ts';
import { LmdbCache } from '../../plugins/store-lmdb/cache.ts';
import { cacheEntry } from './cache-entries.ts';
import { numberedVector } from './numbered-vector.ts';

/** A process that adds vectors and saves their index, over and over, until it is killed: `node semantic-index-child.ts FOLDER`. */
const log = { debug() {}, info() {}, warn() {}, error() {} };
const shared = <T>(_key: string, create: () => T): T => create();
const host = { dataDir: process.argv[2]!, shared, log, clock: { now: () => Date.now() } } as unknown as Host;
const store = new LmdbCache(host, 1024 ** 3);
const index = new PartitionIndex(store, 'partition', new IndexFiles(host, store.vectorsId, await graphMaker(host)));
const limits = { maxEntries: 100_000, maxBytes: 1e9, maxEntryBytes: 1e6 };
for (let i = store.stats().entries; ; i++) {
  const { scope, key } = cacheEntry(i);
  await store.put(cacheEntry(i, { time: Date.now(), expiresAt: Date.now() + 3_600_000 }), limits);
  await store.addVector(scope, key, 'partition', numberedVector(i));
  // The first few hundred are compared one by one; from there on there is something to save.
  if (i < 400) continue;
  await index.follow();
  index.save();
  if (i === 400 || i % 50 === 0) process.stdout.write('saving\n');
}

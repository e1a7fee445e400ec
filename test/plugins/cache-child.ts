import type { Host } from '../../plugin-sdk/index.ts';
import { LmdbCache } from '../../plugins/store-lmdb/cache.ts';
import { cacheEntry } from './cache-entries.ts';

/**
 * A process that writes entries with vectors until it is killed: `node cache-child.ts FOLDER`; or that claims an entry and
 * hangs: `node cache-child.ts FOLDER KEY FOR-MS NOW`.
 */
const [, , dataDir, claimed, forMs, now] = process.argv;
const host = {
  dataDir,
  shared: <T>(_key: string, create: () => T): T => create(),
  clock: { now: () => Number(now ?? Date.now()) },
};
const store = new LmdbCache(host as unknown as Host, 1024 ** 3);
if (claimed !== undefined) {
  await store.claim('scope', claimed, Number(forMs));
  process.stdout.write('claimed\n');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}
for (let i = 0; ; i++) {
  const entry = cacheEntry(i, { time: Date.now(), expiresAt: Date.now() + 3_600_000 });
  const writing: Promise<unknown>[] = [store.put(entry, { maxEntries: 200, maxBytes: 1e9, maxEntryBytes: 1e6 })];
  if (i % 3 === 0) writing.push(store.delete({ scope: entry.scope, key: `key-${i - 7}` }));
  await Promise.all(writing);
  await store.addVector(entry.scope, entry.key, `partition-${i % 4}`, Float32Array.of(i, i + 1, i + 2));
  if (i === 50) process.stdout.write('writing\n');
}

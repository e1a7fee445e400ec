import type { Host } from '../../plugin-sdk/index.ts';
import { cacheCounterPort, cachePort } from '../../plugin-sdk/ports/cache.ts';
import { ReadMetric } from './series.ts';
import type { Source } from './source.ts';

/** What the caches of this process answered; nothing where none is loaded. */
export function cacheSource(host: Host): Source {
  const lookUps = new ReadMetric('counter', 'bifrost_cache_lookups_total', 'Look-ups in the caches by result.');
  const coalesced = new ReadMetric(
    'counter',
    'bifrost_cache_coalesced_total',
    'Hits that waited for an identical request in flight.',
  );
  const failures = new ReadMetric(
    'counter',
    'bifrost_cache_failures_total',
    'Reads and writes of the cache that failed.',
  );
  return {
    name: 'cache',
    metrics: [lookUps, coalesced, failures],
    read() {
      const counts = host.findPort(cacheCounterPort)?.counts();
      if (counts === undefined) return;
      lookUps.rows = [
        { labels: { result: 'hit' }, value: counts.hits },
        { labels: { result: 'semantic-hit' }, value: counts.semanticHits },
        { labels: { result: 'miss' }, value: counts.misses },
      ];
      coalesced.value = counts.coalesced;
      failures.value = counts.failures;
    },
  };
}

/** What all processes keep. */
export function cacheStoreSource(host: Host): Source {
  const entries = new ReadMetric('gauge', 'bifrost_cache_entries', 'Answers in the cache.');
  const size = new ReadMetric('gauge', 'bifrost_cache_bytes', 'Size of the answers in the cache.');
  return {
    name: 'cache store',
    metrics: [entries, size],
    async read() {
      if (host.findPort(cacheCounterPort) === undefined) return;
      const stats = await host.findPort(cachePort)?.stats();
      if (stats === undefined) return;
      entries.value = stats.entries;
      size.value = stats.bytes;
    },
  };
}

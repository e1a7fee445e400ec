import cluster from 'node:cluster';
import { join } from 'node:path';
import { definePlugin, type HandlerRoute, type Host } from '../../plugin-sdk/index.ts';
import { cacheSource, cacheStoreSource } from './cache-source.ts';
import { circuitSource } from './circuit-source.ts';
import { ExchangeMetrics } from './exchange-metrics.ts';
import { gatewaySource } from './gateway-source.ts';
import { metricsOptions } from './options.ts';
import { processSource } from './process-source.ts';
import { ReadMetrics, scrape, snapshot } from './scrape.ts';
import { storeSources } from './store-source.ts';
import { Workers } from './workers.ts';

/** Numbers for Prometheus: requests, tokens, cost and latency by OpenTelemetry's names, and how the gateway itself fares. */
export default definePlugin({
  name: 'plugins/metrics',
  description: 'Metrics for Prometheus at /metrics.',
  options: metricsOptions,
  after: ['plugins/pricing', 'plugins/governance', 'plugins/records', 'plugins/async-jobs'],
  setup(options, host) {
    const { exchanges, watched } = countersOf(host, options.maxModels);
    const counted = exchanges.metrics;
    const ownSources = [watched, gatewaySource(host), circuitSource(host, options.maxModels), cacheSource(host)];
    const process = new ReadMetrics(ownSources, host.log);
    const stores = new ReadMetrics([...storeSources(host, options.accounts), cacheStoreSource(host)], host.log);
    const worker = cluster.isWorker ? String(cluster.worker!.id) : undefined;
    const workers =
      worker === undefined ? undefined : workersOf(host, worker, () => snapshot({ counted, process }, { worker }));
    const providerName = providerNames(host);
    const route: HandlerRoute = {
      type: 'handler',
      method: 'GET',
      path: options.path,
      guard: options.guard === 'public' ? { public: true } : { admin: 'read' },
      async handler() {
        const { text, contentType } = await scrape({ counted, process, stores, workers });
        return new Response(text, { headers: { 'content-type': contentType, 'cache-control': 'no-store' } });
      },
    };
    return {
      routes: [route],
      hooks: {
        postLog: { order: 'post', handler: (exchange, outcome) => exchanges.count(exchange, outcome, providerName) },
      },
    };
  },
});

/** Counters go on over reloads: they belong to the process. */
function countersOf(host: Host, maxModels: number) {
  return host.shared(
    'plugins/metrics',
    () => ({ exchanges: new ExchangeMetrics(maxModels), watched: processSource() }),
    ({ watched }) => watched.close(),
  );
}

/** The numbers that this process leaves for the others go on over reloads too, and are those of the newest config. */
function workersOf(host: Host, worker: string, read: () => Promise<unknown[]>): Workers {
  const shared = host.shared(
    'plugins/metrics/workers',
    () => {
      const source = { read };
      const folder = join(host.dataDir, 'metrics');
      const workers = new Workers(folder, worker, host.clock, host.log, () => source.read());
      workers.start();
      return { source, workers };
    },
    ({ workers }) => workers.close(),
  );
  shared.source.read = read;
  return shared.workers;
}

/** OpenTelemetry's name of a provider instance. */
function providerNames(host: Host): (instance: string) => string {
  return (instance) => host.providers.get(instance)?.genAiName ?? instance;
}

import { bind, definePlugin, type Key } from '../../plugin-sdk/index.ts';
import { cacheCounterPort, cachedAnswersPort, cachePort } from '../../plugin-sdk/ports/cache.ts';
import { ExactCache } from './exact-cache.ts';
import { cacheOptions } from './options.ts';
import { pendingSlot } from './pending.ts';
import { cacheRoutes } from './routes.ts';

const sweepMs = 60_000;
const sweepEntries = 1_000;
/** Serves hits that are charged like calls: no provider key is used up for them. */
const cacheKey: Key = { name: 'cache', value: undefined, settings: {} };

/** Answers repeated requests with what they were answered before, each caller with its own. */
export default definePlugin({
  name: 'plugins/cache',
  description: 'Answers identical requests from a store, and makes one call of those in flight together.',
  options: cacheOptions,
  requires: [cachePort.capability],
  after: ['identity', 'plugins/model-router', 'plugins/fallbacks', 'plugins/async-jobs', 'plugins/pricing'],
  provides: [cachedAnswersPort.capability, cacheCounterPort.capability],
  // Those that wait for an identical request wait as long as that one takes.
  hookTimeoutMs: 660_000,
  setup(options, host) {
    const store = host.port(cachePort);
    const cache = new ExactCache(host, options, store);
    let stopSweeping = (): void => {};
    const sweep = (): void => {
      stopSweeping = host.clock.after(sweepMs, () => {
        Promise.resolve(store.sweep(sweepEntries)).catch((err: unknown) =>
          host.log.warn({ err }, 'expired entries could not be removed'),
        );
        sweep();
      });
    };
    sweep();
    return {
      ports: [bind(cachedAnswersPort, cache), bind(cacheCounterPort, { counts: () => cache.counts })],
      routes: cacheRoutes(host, store, cache),
      hooks: {
        preRoute: { order: 'post', handler: (exchange) => cache.lookUp(exchange) },
        transformRequest: { order: 'pre', handler: (_request, exchange) => cache.missed(exchange) },
        selectKey: {
          order: 'pre',
          handler: ({ exchange }) => (exchange.get(pendingSlot)?.held === undefined ? undefined : cacheKey),
        },
        execute: {
          order: 'pre',
          handler(attempt) {
            const held = attempt.exchange.get(pendingSlot)?.held;
            if (held !== undefined) return held;
            cache.called(attempt);
          },
        },
        transformResponse: {
          order: 'pre',
          handler: {
            json: (reply, exchange) => cache.json(reply, exchange),
            stream: (exchange) => cache.stream(exchange),
          },
        },
        postLog: (exchange, outcome) => cache.settle(exchange, outcome),
      },
      teardown: () => stopSweeping(),
    };
  },
});

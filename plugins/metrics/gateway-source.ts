import type { Host } from '../../plugin-sdk/index.ts';
import { recordQueuePort } from '../../plugin-sdk/ports/records.ts';
import { ReadMetric } from './series.ts';
import type { Source } from './source.ts';

/** What this process knows of itself: open requests, plugins, connections, keys, the queue of records. */
export function gatewaySource(host: Host): Source {
  const gauge = (name: string, help: string): ReadMetric => new ReadMetric('gauge', name, help);
  const counter = (name: string, help: string): ReadMetric => new ReadMetric('counter', name, help);
  const open = gauge('bifrost_open_requests', 'Requests under way.');
  const info = gauge('bifrost_config_info', 'The running config, as x-bf-config says it; always 1.');
  const runs = counter('bifrost_handler_runs_total', 'Runs of each plugin in each hook.');
  const failures = counter('bifrost_handler_failures_total', 'Throws, time-outs and wrong results of plugins.');
  const seconds = counter('bifrost_handler_seconds_total', 'Time in each plugin and hook, waiting included.');
  const connections = gauge('bifrost_upstream_connections', 'Open connections to upstreams.');
  const calls = gauge('bifrost_upstream_calls', 'Calls under way on connections to upstreams.');
  const resting = gauge('bifrost_key_resting', '1 while a provider key rests.');
  const restingModels = gauge('bifrost_key_resting_models', 'Models for which a provider key rests.');
  const inFlight = gauge('bifrost_key_attempts', 'Attempts under way by provider key.');
  const keyFailures = gauge('bifrost_key_failures', 'Failures in a row of a provider key.');
  const latency = gauge(
    'bifrost_key_latency_seconds',
    'Moving average of the time to first content of a provider key.',
  );
  const queued = gauge('bifrost_records_queued', 'Records that wait to be written.');
  const written = counter('bifrost_records_written_total', 'Records written.');
  const dropped = counter('bifrost_records_dropped_total', 'Records lost because the store was too slow or down.');
  const retried = counter('bifrost_record_write_failures_total', 'Writes of records that failed and were tried again.');
  return {
    name: 'gateway',
    metrics: [
      open,
      info,
      runs,
      failures,
      seconds,
      connections,
      calls,
      resting,
      restingModels,
      inFlight,
      keyFailures,
      latency,
      queued,
      written,
      dropped,
      retried,
    ],
    read() {
      const view = host.inspect();
      open.value = view.openExchanges;
      info.rows = [{ labels: { generation: view.generation }, value: 1 }];
      const handlers = view.handlers.map(({ plugin, hook, ...sums }) => ({ labels: { plugin, hook }, sums }));
      runs.rows = handlers.map(({ labels, sums }) => ({ labels, value: sums.runs }));
      failures.rows = handlers.map(({ labels, sums }) => ({ labels, value: sums.failures }));
      seconds.rows = handlers.map(({ labels, sums }) => ({ labels, value: sums.totalMs / 1_000 }));

      // Several pools may lead to one origin.
      const origins = new Map<string, { open: number; busy: number }>();
      for (const pool of view.connections) {
        const sum = origins.get(pool.origin) ?? { open: 0, busy: 0 };
        origins.set(pool.origin, { open: sum.open + pool.open, busy: sum.busy + pool.busy });
      }
      connections.rows = [...origins].map(([origin, sum]) => ({ labels: { origin }, value: sum.open }));
      calls.rows = [...origins].map(([origin, sum]) => ({ labels: { origin }, value: sum.busy }));

      const now = host.clock.now();
      const keys = [...host.keyHealth.entries()].map(({ provider, key, state }) => ({
        labels: { provider, key },
        state,
      }));
      resting.rows = keys.map(({ labels, state }) => ({ labels, value: state.restsUntil > now ? 1 : 0 }));
      restingModels.rows = keys.map(({ labels, state }) => {
        const rests = [...(state.modelRests?.values() ?? [])];
        return { labels, value: rests.filter(({ until }) => until > now).length };
      });
      inFlight.rows = keys.map(({ labels, state }) => ({ labels, value: state.inFlight }));
      keyFailures.rows = keys.map(({ labels, state }) => ({ labels, value: state.failures }));
      latency.rows = keys.flatMap(({ labels, state }) =>
        state.latencyMs === undefined ? [] : [{ labels, value: state.latencyMs / 1_000 }],
      );

      const queue = host.findPort(recordQueuePort)?.stats();
      if (queue === undefined) return;
      queued.value = queue.queued;
      written.value = queue.written;
      dropped.value = queue.dropped;
      retried.value = queue.failures;
    },
  };
}

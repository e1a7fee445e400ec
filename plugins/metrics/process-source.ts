import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { ReadMetric } from './series.ts';
import type { Source } from './source.ts';

/** The event loop is looked at this often; a delay is what a look comes late. */
const resolutionMs = 10;
const nanosPerSecond = 1_000_000_000;

/**
 * How the process fares, by the names of OpenTelemetry's Node.js conventions and Prometheus' own for processes. Delays
 * are those since the last scrape. `close` stops the watching.
 */
export function processSource(): Source & { close(): void } {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  const gauge = (name: string, help: string): ReadMetric => new ReadMetric('gauge', name, help);
  const p50 = gauge('nodejs_eventloop_delay_p50_seconds', 'Median delay of the event loop since the last scrape.');
  const p99 = gauge(
    'nodejs_eventloop_delay_p99_seconds',
    '99th percentile of the event loop delay since the last scrape.',
  );
  const max = gauge('nodejs_eventloop_delay_max_seconds', 'Longest delay of the event loop since the last scrape.');
  const busy = gauge(
    'nodejs_eventloop_utilization_ratio',
    'Share of the time since the last scrape in which the event loop was busy.',
  );
  const resident = gauge('process_resident_memory_bytes', 'Resident memory size in bytes.');
  const heap = gauge('v8js_memory_heap_used_bytes', 'JavaScript heap in use.');
  const start = gauge('process_start_time_seconds', 'Start of the process, in seconds since 1970.');
  const cpu = new ReadMetric('counter', 'process_cpu_seconds_total', 'CPU time of the process, user and system.');
  let seen = performance.eventLoopUtilization();
  return {
    name: 'process',
    metrics: [p50, p99, max, busy, resident, heap, start, cpu],
    read() {
      const late = (nanos: number): number =>
        delays.count === 0 ? 0 : Math.max(0, nanos / nanosPerSecond - resolutionMs / 1_000);
      p50.value = late(delays.percentile(50));
      p99.value = late(delays.percentile(99));
      max.value = late(delays.max);
      delays.reset();
      const now = performance.eventLoopUtilization();
      busy.value = performance.eventLoopUtilization(now, seen).utilization;
      seen = now;
      const { rss, heapUsed } = process.memoryUsage();
      resident.value = rss;
      heap.value = heapUsed;
      start.value = performance.timeOrigin / 1_000;
      const { user, system } = process.cpuUsage();
      cpu.value = (user + system) / 1_000_000;
    },
    close: () => delays.disable(),
  };
}

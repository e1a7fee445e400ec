/** Cost of counting an exchange and of answering a scrape. Run: `node test/bench/metrics.bench.ts`. */
import { Histogram, Registry } from 'prom-client';
import type { Outcome, RoutedExchange } from '../../plugin-sdk/index.ts';
import { ExchangeMetrics } from '../../plugins/metrics/exchange-metrics.ts';
import { bestMicroseconds, report } from './measure.ts';

const registry = new Registry();
const metrics = new ExchangeMetrics(200);
for (const { metric } of metrics.metrics) registry.registerMetric(metric);
const exchange = {
  operation: 'chat',
  dialect: { id: 'openai.chat' },
  stream: true,
  targets: [],
  get: () => ({ nanoUsd: 100, version: '2026-11-01' }),
} as unknown as RoutedExchange;

function outcomeOf(model: string): Outcome {
  const attempt = {
    provider: 'openai',
    model,
    key: 'main',
    result: 'ok',
    startedMs: 0.3,
    durationMs: 11,
    upstreamMs: 10,
    firstContentMs: 3,
  };
  const usage = { input: 100, output: 50 };
  return { status: 200, origin: 'upstream', durationMs: 12, usage, attempts: [attempt] } as unknown as Outcome;
}

const outcome = outcomeOf('gpt-4o');
const providerName = (instance: string): string => instance;
const count = () => metrics.count(exchange, outcome, providerName);
report('an exchange with one attempt, ten metrics', bestMicroseconds(count), 'exchange', 1);

const single = new Histogram({ name: 'x', help: 'x', labelNames: ['a', 'b', 'c'], registers: [] }).labels(
  'chat',
  'openai',
  'gpt-4o',
);
report(
  "for comparison: one observation by prom-client's own histogram",
  bestMicroseconds(() => single.observe(0.5)),
  'observation',
);

for (let i = 0; i < 100; i++) metrics.count(exchange, outcomeOf(`model-${i}`), providerName);
let best = Number.POSITIVE_INFINITY;
let bytes = 0;
for (let i = 0; i < 20; i++) {
  const start = performance.now();
  bytes = (await registry.metrics()).length;
  best = Math.min(best, performance.now() - start);
}
report(`a scrape of 100 models, ${Math.round(bytes / 1_000)} kB`, best * 1_000, 'scrape');

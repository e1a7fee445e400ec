import type { Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { type Clock, type Logger, Secret } from '../../plugin-sdk/index.ts';
import type { OtelOptions } from './options.ts';

const exportLimitMs = 5_000;
/** Time between two complaints about the same collector. */
const complainEveryMs = 60_000;

/** A tracer whose spans go to a collector in batches, off the request path. `close` sends what waits. */
export function createTracer(
  options: OtelOptions,
  clock: Clock,
  log: Logger,
): { readonly tracer: Tracer; close(): Promise<void> } {
  const exporter = new OTLPTraceExporter({
    url: `${options.url.replace(/\/+$/, '')}/v1/traces`,
    headers: Object.fromEntries(Object.entries(options.headers).map(([name, value]) => [name, Secret.reveal(value)])),
    timeoutMillis: exportLimitMs,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.serviceName, 'process.pid': process.pid }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }),
    spanLimits: { attributeValueLengthLimit: 1_000 },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new ComplainingExporter(exporter, clock, log),
        maxQueueSize: options.queue,
        scheduledDelayMillis: options.exportEveryMs,
        exportTimeoutMillis: exportLimitMs,
      }),
    ],
  });
  return { tracer: provider.getTracer('bifrost-kernel'), close: () => provider.shutdown() };
}

/** Passes spans on and says in the log when the collector does not take them: the SDK itself keeps silent. */
class ComplainingExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  readonly #clock: Clock;
  readonly #log: Logger;
  #lost = 0;
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(inner: SpanExporter, clock: Clock, log: Logger) {
    this.#inner = inner;
    this.#clock = clock;
    this.#log = log;
  }

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.#inner.export(spans, (result) => {
      if (result.error !== undefined) this.#complain(spans.length, result.error);
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  forceFlush(): Promise<void> {
    return this.#inner.forceFlush?.() ?? Promise.resolve();
  }

  #complain(spans: number, cause: Error): void {
    this.#lost += spans;
    const now = this.#clock.monotonic();
    if (now - this.#complainedAt < complainEveryMs) return;
    this.#complainedAt = now;
    this.#log.warn({ spans: this.#lost, err: cause }, 'the collector did not take spans');
    this.#lost = 0;
  }
}

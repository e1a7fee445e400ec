import type { Registry } from 'prom-client';
import type { Logger } from '../../plugin-sdk/index.ts';
import type { Labels, SeriesMetric } from './series.ts';
import type { Source } from './source.ts';
import type { Workers } from './workers.ts';

/** A store that hangs must not make the scrape fail: what else there is to say is worth it. */
const readLimitMs = 2_000;

/** Metrics that are read for each scrape. */
export class ReadMetrics {
  readonly #sources: readonly Source[];
  readonly #log: Logger;

  constructor(sources: readonly Source[], log: Logger) {
    this.#sources = sources;
    this.#log = log;
  }

  /** Reads every source and gives its metrics; one that fails or is late shows what it last had. */
  async read(): Promise<SeriesMetric[]> {
    await Promise.all(this.#sources.map((source) => this.#readOne(source)));
    return this.#sources.flatMap(({ metrics }) => metrics);
  }

  async #readOne(source: Source): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${readLimitMs} ms`)), readLimitMs);
    });
    try {
      await Promise.race([source.read(), late]);
    } catch (cause) {
      this.#log.warn({ source: source.name, err: cause }, 'metrics could not be read');
    } finally {
      clearTimeout(timer);
    }
  }
}

export interface Scraped {
  /** Of this process, counted as things happen. */
  readonly counted: readonly SeriesMetric[];
  /** Of this process, read for the scrape. */
  readonly process: ReadMetrics;
  /** The same in every process. */
  readonly stores: ReadMetrics;
  readonly workers: Workers | undefined;
}

/** Everything in Prometheus' text format, of all workers. prom-client is loaded by the first who asks. */
export async function scrape({
  counted,
  process,
  stores,
  workers,
}: Scraped): Promise<{ readonly text: string; readonly contentType: string }> {
  const { AggregatorRegistry, Registry } = await import('prom-client');
  const [own, stored] = await Promise.all([process.read(), stores.read()]);
  const registries =
    workers === undefined
      ? [register(new Registry(), counted), register(new Registry(), own)]
      : [AggregatorRegistry.aggregate((await workers.all()) as object[])];
  registries.push(register(new Registry(), stored));
  const texts = await Promise.all(registries.map((registry) => registry.metrics()));
  return { text: `${texts.map((text) => text.trim()).join('\n\n')}\n`, contentType: Registry.PROMETHEUS_CONTENT_TYPE };
}

/** This process' part, for the other workers; every series gets the labels. */
export async function snapshot(
  { counted, process }: Pick<Scraped, 'counted' | 'process'>,
  labels: Labels,
): Promise<unknown[]> {
  const { Registry } = await import('prom-client');
  const registry = register(new Registry(), [...counted, ...(await process.read())]);
  registry.setDefaultLabels(labels);
  return registry.getMetricsAsJSON();
}

function register(registry: Registry, metrics: readonly SeriesMetric[]): Registry {
  for (const { metric } of metrics) registry.registerMetric(metric);
  return registry;
}

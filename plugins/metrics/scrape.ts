import { AggregatorRegistry, Registry } from 'prom-client';
import type { Logger } from '../../plugin-sdk/index.ts';
import type { Source } from './source.ts';
import type { Workers } from './workers.ts';

/** A store that hangs must not make the scrape fail: what else there is to say is worth it. */
const readLimitMs = 2_000;

/** A registry of metrics that are read for each scrape. */
export class ReadRegistry extends Registry {
  readonly #sources: readonly Source[];
  readonly #log: Logger;

  constructor(sources: readonly Source[], log: Logger) {
    super();
    this.#sources = sources;
    this.#log = log;
    for (const source of sources) for (const { metric } of source.metrics) this.registerMetric(metric);
  }

  /** Reads every source; one that fails or is late shows what it last had. */
  async read(): Promise<void> {
    await Promise.all(this.#sources.map((source) => this.#readOne(source)));
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
  readonly counted: Registry;
  /** Of this process, read for the scrape. */
  readonly process: ReadRegistry;
  /** The same in every process. */
  readonly stores: ReadRegistry;
  readonly workers: Workers | undefined;
}

/** Everything in Prometheus' text format, of all workers. */
export async function scrape({ counted, process, stores, workers }: Scraped): Promise<string> {
  await Promise.all([process.read(), stores.read()]);
  const own =
    workers === undefined ? [counted, process] : [AggregatorRegistry.aggregate((await workers.all()) as object[])];
  const texts = await Promise.all([...own, stores].map((registry) => registry.metrics()));
  return texts
    .map((text) => text.trim())
    .join('\n\n')
    .concat('\n');
}

/** This process' part, for the other workers. */
export async function snapshot({ counted, process }: Pick<Scraped, 'counted' | 'process'>): Promise<unknown[]> {
  await process.read();
  return [...(await counted.getMetricsAsJSON()), ...(await process.getMetricsAsJSON())];
}

import type { MaybePromise } from '../../plugin-sdk/index.ts';
import type { ReadMetric } from './series.ts';

/** Metrics of one thing that are read together, right before a scrape is answered. */
export interface Source {
  /** For the log, when it cannot be read. */
  readonly name: string;
  readonly metrics: readonly ReadMetric[];
  read(): MaybePromise<void>;
}

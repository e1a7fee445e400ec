import type { Operation, Usage } from '../../plugin-sdk/index.ts';
import type { Cost } from '../../plugin-sdk/ports/prices.ts';
import type { SynchronousPrices } from './create-prices.ts';

/** The part of a stored record that its cost follows from. */
export interface PricedRecord {
  readonly id: string;
  /** Milliseconds since 1970, when the call was made: prices of that day apply. */
  readonly time: number;
  readonly operation: string;
  readonly provider?: string;
  readonly model?: string;
  readonly clientModel?: string;
  readonly key?: string;
  readonly virtualKey?: string;
  readonly usage?: Usage;
  /** Nano-dollars; `unknown` when no price was known; absent when nothing was charged. */
  readonly cost?: number | 'unknown';
}

export interface Repriced {
  readonly id: string;
  readonly before: number | 'unknown';
  readonly after: Cost | 'unknown';
}

/**
 * Prices stored records again, with the prices that held when each was made, and gives those whose cost changes.
 * Records that were not charged, or kept no usage, stay as they are. A record with several charged attempts is priced
 * by what the serving one used.
 */
export function* repriceRecords(records: Iterable<PricedRecord>, prices: SynchronousPrices): Generator<Repriced> {
  for (const record of records) {
    const { usage, cost: before, provider, model } = record;
    if (usage === undefined || before === undefined || provider === undefined || model === undefined) continue;
    const after = prices.cost({
      provider,
      model,
      ...(record.clientModel === undefined ? {} : { otherModels: [record.clientModel] }),
      operation: record.operation as Operation,
      at: record.time,
      ...(usage.serviceTier === undefined ? {} : { serviceTier: usage.serviceTier }),
      ...(record.virtualKey === undefined ? {} : { virtualKey: record.virtualKey }),
      ...(record.key === undefined ? {} : { key: record.key }),
      usage,
    });
    const unchanged = after === 'unknown' ? before === 'unknown' : before === after.nanoUsd;
    if (!unchanged) yield { id: record.id, before, after };
  }
}

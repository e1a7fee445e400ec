import type { Operation } from '../../plugin-sdk/index.ts';
import type { Cost } from '../../plugin-sdk/ports/prices.ts';
import type { ExchangeRecord, RecordCost, RecordFilter, Records } from '../../plugin-sdk/ports/records.ts';
import type { SynchronousPrices } from './create-prices.ts';

/** The part of a record that its cost follows from. */
export type PricedRecord = Pick<ExchangeRecord, 'id' | 'time' | 'operation' | 'caller' | 'attempts'> &
  Partial<Pick<ExchangeRecord, 'provider' | 'model' | 'clientModel' | 'key' | 'usage' | 'cost'>>;

export interface Repriced {
  readonly id: string;
  readonly before: number | 'unknown';
  readonly after: Cost | 'unknown';
}

/**
 * Prices records again, with the prices that hold for the day on which each was made, and gives those whose cost
 * changes. Left as they are: records that were not charged, that kept no usage, or that charged for more than one
 * attempt, since a record keeps the usage of the serving one.
 */
export function* repriceRecords(records: Iterable<PricedRecord>, prices: SynchronousPrices): Generator<Repriced> {
  for (const record of records) {
    const { usage, cost: before, provider, model } = record;
    if (usage === undefined || before === undefined || provider === undefined || model === undefined) continue;
    if (record.attempts.filter((attempt) => attempt.firstContentMs !== undefined).length > 1) continue;
    const after = prices.cost({
      provider,
      model,
      otherModels:
        record.clientModel === undefined
          ? undefined
          : [record.clientModel, record.clientModel.replace(`${provider}/`, '')],
      operation: record.operation as Operation,
      at: record.time,
      serviceTier: usage.serviceTier,
      virtualKey: record.caller.kind === 'virtual-key' ? record.caller.id : undefined,
      key: record.key,
      usage,
    });
    const unchanged = after === 'unknown' ? before === 'unknown' : before === after.nanoUsd;
    if (!unchanged) yield { id: record.id, before, after };
  }
}

const recordsPerWrite = 500;

/** {@link repriceRecords} for a whole store. Gives how many records changed and by how many nano-dollars in all. */
export async function repriceStore(
  store: Records,
  filter: RecordFilter,
  prices: SynchronousPrices,
): Promise<{ readonly changed: number; readonly nanoUsd: number }> {
  let changed = 0;
  let nanoUsd = 0;
  let batch: ExchangeRecord[] = [];
  const write = async (): Promise<void> => {
    const repriced = [...repriceRecords(batch, prices)];
    batch = [];
    if (repriced.length > 0) await store.setCosts(repriced.map(costOf));
    changed += repriced.length;
    for (const { before, after } of repriced)
      nanoUsd += amount(after === 'unknown' ? after : after.nanoUsd) - amount(before);
  };
  for await (const record of store.scan(filter, false)) {
    batch.push(record);
    if (batch.length >= recordsPerWrite) await write();
  }
  await write();
  return { changed, nanoUsd };
}

function costOf({ id, after }: Repriced): RecordCost {
  return after === 'unknown' ? { id, cost: after } : { id, cost: after.nanoUsd, priceVersion: after.version };
}

function amount(cost: number | 'unknown'): number {
  return cost === 'unknown' ? 0 : cost;
}

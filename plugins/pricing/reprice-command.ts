import { GatewayError, parseIsoTime } from '../../plugin-sdk/index.ts';
import type { Records } from '../../plugin-sdk/ports/records.ts';
import type { SynchronousPrices } from './create-prices.ts';
import { repriceStore } from './reprice.ts';

/** `bifrost-kernel reprice [FROM]`: prices the stored records again, since a day such as 2026-11-01 or all of them. */
export async function reprice(
  records: Records,
  prices: SynchronousPrices,
  from: string | undefined,
  print: (line: string) => void,
): Promise<void> {
  const since = from === undefined ? undefined : parseIsoTime(from);
  if (from !== undefined && since === undefined) {
    throw new GatewayError('REQ_INVALID', { reason: `reprice takes a date such as 2026-11-01, not ${from}.` });
  }
  const { changed, nanoUsd } = await repriceStore(records, since === undefined ? {} : { from: since }, prices);
  print(`${changed} records cost differently now: ${(nanoUsd / 1e9).toFixed(6)} USD in all.`);
}

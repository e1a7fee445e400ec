import type { ExchangeRecord, RecordGroup } from '../../plugin-sdk/ports/records.ts';
import { nanoPerUsd } from '../../plugin-sdk/usd.ts';

/** A record as the API shows it: `costUsd` beside the exact nano-dollars; null where nothing was charged. */
export function shownRecord(record: ExchangeRecord): object {
  const { cost, time, ...rest } = record;
  return {
    ...rest,
    time: new Date(time).toISOString(),
    cost: cost ?? null,
    costUsd: typeof cost === 'number' ? cost / nanoPerUsd : (cost ?? null),
  };
}

export function shownGroup({ key, time, cost, ...rest }: RecordGroup): object {
  return {
    key: key ?? null,
    ...(time === undefined ? {} : { time: new Date(time).toISOString() }),
    ...rest,
    cost,
    costUsd: cost / nanoPerUsd,
  };
}

type Cell = string | number | boolean | undefined;

const columns: readonly (readonly [string, (record: ExchangeRecord) => Cell])[] = [
  ['id', (one) => one.id],
  ['time', (one) => new Date(one.time).toISOString()],
  ['operation', (one) => one.operation],
  ['dialect', (one) => one.dialect],
  ['stream', (one) => one.stream],
  ['caller', (one) => one.caller.id],
  ['caller_name', (one) => one.caller.name],
  ['team', (one) => one.caller.team],
  ['customer', (one) => one.caller.customer],
  ['client_model', (one) => one.clientModel],
  ['provider', (one) => one.provider],
  ['model', (one) => one.model],
  ['key', (one) => one.key],
  ['status', (one) => one.status],
  ['error', (one) => one.error],
  ['finish', (one) => one.finish],
  ['attempts', (one) => one.attempts.length],
  ['duration_ms', (one) => one.durationMs],
  ['first_content_ms', (one) => one.firstContentMs],
  ['input_tokens', (one) => one.usage?.input],
  ['output_tokens', (one) => one.usage?.output],
  ['cached_tokens', (one) => one.usage?.cachedInput],
  ['reasoning_tokens', (one) => one.usage?.reasoning],
  ['cost_usd', (one) => (typeof one.cost === 'number' ? (one.cost / nanoPerUsd).toFixed(9) : one.cost)],
  ['price_version', (one) => one.priceVersion],
  ['bytes_in', (one) => one.bytesIn],
  ['bytes_out', (one) => one.bytesOut],
  ['cache', (one) => one.links.cache],
  ['job', (one) => one.links.job],
  ['metadata', (one) => (Object.keys(one.metadata).length === 0 ? undefined : JSON.stringify(one.metadata))],
];

export const csvHead = `${columns.map(([name]) => name).join(',')}\r\n`;

/** One line of RFC 4180. A text that a spreadsheet would run as a formula gets an apostrophe in front. */
export function csvLine(record: ExchangeRecord): string {
  return `${columns.map(([, cellOf]) => csvCell(cellOf(record))).join(',')}\r\n`;
}

function csvCell(value: Cell): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

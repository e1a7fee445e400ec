import { calendarWindow, GatewayError, type Host, type Period, periodLength } from '../../../plugin-sdk/index.ts';
import { type RecordDimension, type RecordGroup, recordsPort } from '../../../plugin-sdk/ports/records.ts';
import { nanoPerUsd } from '../../../plugin-sdk/usd.ts';
import { cost, count, duration, percent, shortCount, usd } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Page } from '../layout.ts';
import { choice, facts, missing, section, table } from '../parts.ts';
import { plot } from '../plot.ts';

const hour = 3_600_000;

interface Range {
  readonly name: string;
  readonly ms: number;
  readonly bucket: Period;
  readonly everyMs: number;
}

const ranges: Readonly<Record<string, Range>> = {
  '1h': { name: 'Last hour', ms: hour, bucket: { count: 1, unit: 'm' }, everyMs: 5_000 },
  '24h': { name: '24 hours', ms: 24 * hour, bucket: { count: 30, unit: 'm' }, everyMs: 15_000 },
  '7d': { name: '7 days', ms: 7 * 24 * hour, bucket: { count: 3, unit: 'h' }, everyMs: 60_000 },
  '30d': { name: '30 days', ms: 30 * 24 * hour, bucket: { count: 12, unit: 'h' }, everyMs: 60_000 },
};

const dimensions: readonly (readonly [RecordDimension, string])[] = [
  ['model', 'Model'],
  ['provider', 'Provider'],
  ['caller', 'Caller'],
  ['key', 'Key'],
  ['operation', 'Operation'],
  ['error', 'Error'],
];

/** Traffic, latency, errors and cost over time, and who or what they belong to. */
export async function overview(host: Host, query: URLSearchParams): Promise<Page> {
  const last = query.get('last') ?? '1h';
  const by = query.get('by') ?? 'model';
  const range = Object.hasOwn(ranges, last) ? ranges[last] : undefined;
  const dimension = dimensions.find(([name]) => name === by);
  if (range === undefined || dimension === undefined)
    throw new GatewayError('REQ_INVALID', { reason: 'There is no such view.' });
  const records = host.findPort(recordsPort);
  const controls = choice(
    'Period',
    'last',
    Object.entries(ranges).map(([value, { name }]) => [value, name]),
    last,
    query,
  );
  const page = { title: 'Overview', section: '/ui', controls, updates: range.everyMs } as const;
  if (records === undefined) return { ...page, body: missing('plugins/records', 'What went through the gateway') };

  const now = host.clock.now();
  // Whole buckets, so that a bar means the same length of time wherever it stands.
  const from = calendarWindow(range.bucket, now - range.ms).end;
  const filter = { from };
  const [[total], groups, parts] = await Promise.all([
    records.aggregate({ filter, limit: 1 }),
    records.aggregate({ filter, limit: 1, bucket: range.bucket }),
    records.aggregate({ filter, limit: 20, by: dimension[0] }),
  ]);
  const dimensionChoice = choice('Grouped by', 'by', dimensions, by, query);
  return {
    ...page,
    body: html`<div data-live id="figures">${figures(total, host)}</div>
<div class="plots" data-live id="plots">${plots(total, groups, from, now, range)}</div>
${section('breakdown', `By ${dimension[1].toLowerCase()}`, breakdown(parts, dimension, total?.requests ?? 0), dimensionChoice)}`,
  };
}

function figures(total: RecordGroup | undefined, host: Host): Html {
  const { requests = 0, errors = 0 } = total ?? {};
  return facts([
    ['Requests', shortCount(requests)],
    ['Errors', html`${percent(errors, requests)}${errors > 0 && html` <span class="quiet">${count(errors)}</span>`}`],
    ['Median latency', duration(total?.durationMs.p50)],
    ['p99 latency', duration(total?.durationMs.p99)],
    ['First content', duration(total?.firstContentMs.p50)],
    ['Tokens in / out', `${shortCount(total?.inputTokens ?? 0)} / ${shortCount(total?.outputTokens ?? 0)}`],
    [
      'Cost',
      html`${usd((total?.cost ?? 0) / nanoPerUsd)}${(total?.unknownCosts ?? 0) > 0 && html` <span class="quiet">+ ${count(total?.unknownCosts)} unpriced</span>`}`,
    ],
    ['Open now', count(host.inspect().openExchanges)],
  ]);
}

function plots(
  total: RecordGroup | undefined,
  groups: readonly RecordGroup[],
  from: number,
  now: number,
  range: Range,
): Html[] {
  const bucketMs = periodLength(range.bucket);
  const times = Array.from({ length: Math.ceil((now - from) / bucketMs) }, (_, i) => from + i * bucketMs);
  const byTime = new Map(groups.map((group) => [group.time, group]));
  const values = <T>(read: (group: RecordGroup) => T): (T | undefined)[] =>
    times.map((time) => {
      const group = byTime.get(time);
      return group === undefined ? undefined : read(group);
    });
  const shown = range.ms > 24 * hour ? 'day' : 'minute';
  const { requests = 0, errors = 0 } = total ?? {};
  const base = { times, shown } as const;
  return [
    plot({
      ...base,
      id: 'plot-requests',
      title: 'Requests',
      headline: shortCount(requests),
      shape: 'bars',
      format: (value) => shortCount(value),
      whole: true,
      series: [
        { name: 'Served', tone: 'main', values: values((group) => group.requests - group.errors) },
        { name: 'Failed', tone: 'bad', values: values((group) => group.errors) },
      ],
    }),
    plot({
      ...base,
      id: 'plot-latency',
      title: 'Latency',
      headline: html`${duration(total?.durationMs.p50)} <span class="quiet">median</span>`,
      shape: 'lines',
      format: (value) => duration(value),
      series: [
        { name: 'Median', tone: 'main', values: values((group) => group.durationMs.p50) },
        { name: 'p90', tone: 'second', values: values((group) => group.durationMs.p90) },
        { name: 'p99', tone: 'third', values: values((group) => group.durationMs.p99) },
      ],
    }),
    plot({
      ...base,
      id: 'plot-cost',
      title: 'Cost',
      headline: usd((total?.cost ?? 0) / nanoPerUsd),
      shape: 'bars',
      format: usd,
      series: [{ name: 'US dollars', tone: 'good', values: values((group) => group.cost / nanoPerUsd) }],
    }),
    plot({
      ...base,
      id: 'plot-errors',
      title: 'Error rate',
      headline: percent(errors, requests),
      shape: 'bars',
      format: (value) => percent(value, 1),
      series: [
        {
          name: 'Share of requests',
          tone: 'bad',
          values: values((group) => group.errors / Math.max(1, group.requests)),
        },
      ],
    }),
  ];
}

function breakdown(
  parts: readonly RecordGroup[],
  [dimension, name]: readonly [RecordDimension, string],
  requests: number,
): Html {
  const link = ({ key }: RecordGroup): Html | string => {
    if (key === undefined) return 'all others';
    const text = key === '' ? html`<span class="quiet">none</span>` : html`<span class="name">${key}</span>`;
    return html`<a href="/ui/requests?${new URLSearchParams({ [dimension]: key })}">${text}</a>`;
  };
  return table<RecordGroup>(
    `Requests by ${name.toLowerCase()}`,
    [
      { name, head: true, cell: link },
      { name: 'Requests', number: true, cell: (group) => count(group.requests) },
      { name: 'Share', number: true, cell: (group) => percent(group.requests, requests) },
      { name: 'Errors', number: true, cell: (group) => percent(group.errors, group.requests) },
      { name: 'Median', number: true, cell: (group) => duration(group.durationMs.p50) },
      { name: 'p99', number: true, cell: (group) => duration(group.durationMs.p99) },
      { name: 'Tokens in', number: true, cell: (group) => shortCount(group.inputTokens) },
      { name: 'Tokens out', number: true, cell: (group) => shortCount(group.outputTokens) },
      { name: 'Cost', number: true, cell: (group) => cost(group.cost) },
    ],
    parts,
    'No request in this period.',
  );
}

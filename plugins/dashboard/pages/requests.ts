import type { Host } from '../../../plugin-sdk/index.ts';
import { parsePeriod, periodLength } from '../../../plugin-sdk/index.ts';
import {
  type ExchangeRecord,
  type RecordDimension,
  type RecordFilter,
  recordsPort,
} from '../../../plugin-sdk/ports/records.ts';
import { cost, count, duration, moment } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Page } from '../layout.ts';
import { badge, missing, table } from '../parts.ts';

const pageSize = 50;
/** Fields of the form that stand for a dimension of records. */
const filtered = [
  'provider',
  'model',
  'caller',
  'key',
  'operation',
  'error',
] as const satisfies readonly RecordDimension[];
const periods: readonly (readonly [string, string])[] = [
  ['', 'Any time'],
  ['15m', '15 minutes'],
  ['1h', '1 hour'],
  ['24h', '24 hours'],
  ['7d', '7 days'],
];

/** What passed, newest first, narrowed by a form; the first page follows new records. */
export async function requests(host: Host, query: URLSearchParams): Promise<Page> {
  const records = host.findPort(recordsPort);
  const page = { title: 'Requests', section: '/ui/requests' } as const;
  if (records === undefined) return { ...page, body: missing('plugins/records', 'The list of requests') };
  const cursor = query.get('cursor') ?? undefined;
  const { records: found, next } = await records.query({
    filter: filterOf(query, host.clock.now()),
    sort: 'time',
    order: 'desc',
    limit: pageSize,
    ...(cursor === undefined ? {} : { cursor }),
  });
  return {
    ...page,
    ...(cursor === undefined ? { updates: 'records' as const } : {}),
    body: html`${form(host, query)}
<section class="panel" aria-label="Requests"><div data-live id="requests">${list(found)}${pages(query, cursor, next)}</div></section>`,
  };
}

function filterOf(query: URLSearchParams, now: number): RecordFilter {
  const is: Partial<Record<RecordDimension, readonly string[]>> = {};
  for (const name of filtered) {
    const values = query.getAll(name);
    // An empty field of the form asks for nothing; a link may ask for those without, by a lone empty value.
    const wanted = query.has('filter') ? values.filter((value) => value !== '') : values;
    if (wanted.length > 0) is[name] = wanted;
  }
  const last = parsePeriod(query.get('last') ?? '');
  const outcome = query.get('outcome');
  const text = query.get('q')?.trim();
  const slow = Number(query.get('slow') || Number.NaN);
  return {
    ...(Object.keys(is).length === 0 ? {} : { is }),
    ...(last === undefined ? {} : { from: now - periodLength(last) }),
    ...(outcome === 'failed' || outcome === 'served' ? { failed: outcome === 'failed' } : {}),
    ...(text ? { text } : {}),
    ...(Number.isFinite(slow) ? { minDurationMs: slow } : {}),
  };
}

function form(host: Host, query: URLSearchParams): Html {
  const value = (name: string): string => query.get(name) ?? '';
  const option = (name: string, [key, text]: readonly [string, string]): Html =>
    html`<option value="${key}"${value(name) === key && html` selected`}>${text}</option>`;
  const text = (name: string, label: string): Html =>
    html`<label><span>${label}</span><input name="${name}" value="${value(name)}" autocomplete="off" spellcheck="false"></label>`;
  const select = (name: string, label: string, options: readonly (readonly [string, string])[]): Html =>
    html`<label><span>${label}</span><select name="${name}">${options.map((one) => option(name, one))}</select></label>`;
  const providers = [...host.providers.keys()].map((name) => [name, name] as const);
  // What a link narrowed by and the form has no field for stays narrowed.
  const others = (['key', 'operation', 'error'] as const).filter((name) => value(name) !== '');
  return html`<form class="filter" id="filter" method="get" action="/ui/requests" role="search" aria-label="Filter requests">
<input type="hidden" name="filter" value="1">
<label class="search"><span>Search</span><input name="q" type="search" value="${value('q')}" maxlength="200" autocomplete="off" spellcheck="false" placeholder="id, model, error, metadata"></label>
${select('outcome', 'Outcome', [
  ['', 'All'],
  ['served', 'Served'],
  ['failed', 'Failed'],
])}
${select('provider', 'Provider', [['', 'Any'], ...providers])}
${text('model', 'Model')}
${text('caller', 'Caller')}
${others.map((name) => text(name, `${name[0]!.toUpperCase()}${name.slice(1)}`))}
<label><span>Slower than</span><span class="unit"><input name="slow" inputmode="numeric" pattern="[0-9]*" value="${value('slow')}" autocomplete="off"> ms</span></label>
${select('last', 'Period', periods)}
<div class="actions"><button class="primary">Filter</button><a class="plain" href="/ui/requests">Clear</a></div>
</form>`;
}

function list(records: readonly ExchangeRecord[]): Html {
  return table<ExchangeRecord>(
    'Requests, newest first',
    [
      {
        name: 'Time',
        head: true,
        cell: ({ id, time }) =>
          html`<a href="/ui/requests/${encodeURIComponent(id)}" id="r-${id}">${moment(time, 'time')}</a>`,
      },
      { name: 'Status', cell: statusBadge },
      { name: 'Model', cell: modelOf },
      {
        name: 'Caller',
        cell: ({ caller }) =>
          caller.kind === 'anonymous'
            ? html`<span class="quiet">anonymous</span>`
            : html`<span class="caller">${caller.name ?? caller.id}</span>`,
      },
      {
        name: 'Attempts',
        number: true,
        cell: ({ attempts }) =>
          attempts.length > 1 ? html`<strong>${attempts.length}</strong>` : count(attempts.length),
      },
      { name: 'First content', number: true, cell: ({ firstContentMs }) => duration(firstContentMs) },
      { name: 'Total', number: true, cell: ({ durationMs }) => duration(durationMs) },
      {
        name: 'Tokens in / out',
        number: true,
        cell: ({ usage }) => (usage === undefined ? '–' : `${count(usage.input)} / ${count(usage.output)}`),
      },
      { name: 'Cost', number: true, cell: (record) => cost(record.cost) },
    ],
    records,
    'No request matches. New ones appear here by themselves.',
  );
}

/** The status, and the error's name where there is one. */
export function statusBadge({ status, error, clientGone }: ExchangeRecord): Html {
  const tone = clientGone ? 'warn' : status >= 400 || error !== undefined ? 'bad' : 'good';
  return html`${badge(status, tone)}${error !== undefined && html` <code class="quiet">${error}</code>`}`;
}

function modelOf({ provider, model, clientModel, operation, stream, links }: ExchangeRecord): Html {
  const served = provider === undefined ? clientModel : [provider, model].filter(Boolean).join('/');
  const tags = [
    operation === 'chat' ? undefined : operation,
    stream ? 'stream' : undefined,
    links.cache === undefined ? undefined : `cache ${links.cache}`,
    links.job === undefined ? undefined : 'job',
  ];
  return html`<span class="name wraps">${served ?? '–'}</span>${tags.map((tag) => tag !== undefined && html` <span class="tag">${tag}</span>`)}`;
}

function pages(query: URLSearchParams, cursor: string | undefined, next: string | undefined): Html {
  const to = (value: string | undefined): string => {
    const changed = new URLSearchParams(query);
    if (value === undefined) changed.delete('cursor');
    else changed.set('cursor', value);
    return `?${changed}`;
  };
  return html`<nav class="pages" aria-label="Pages">
${cursor !== undefined && html`<a href="${to(undefined)}">Newest</a>`}
${next !== undefined && html`<a href="${to(next)}" rel="next">Older</a>`}
</nav>`;
}

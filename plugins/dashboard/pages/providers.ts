import type { Host, KeyState, ProviderView } from '../../../plugin-sdk/index.ts';
import { circuitsPort, type OpenCircuit } from '../../../plugin-sdk/ports/circuits.ts';
import { entitiesPort } from '../../../plugin-sdk/ports/entities.ts';
import { type RecordGroup, recordsPort } from '../../../plugin-sdk/ports/records.ts';
import { count, duration, moment, percent } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Page } from '../layout.ts';
import { badge, section, table } from '../parts.ts';

const hour = 3_600_000;

interface KeyName {
  readonly name: string;
  readonly origin: 'config' | 'store';
}

interface KeyRow extends KeyName {
  readonly state: KeyState | undefined;
  readonly traffic: RecordGroup | undefined;
}

type Traffic = ReadonlyMap<string | undefined, RecordGroup>;

/** Every provider with its keys: which serve, which rest and why, how they did in the last hour. */
export async function providers(host: Host): Promise<Page> {
  const view = host.inspect();
  const now = host.clock.now();
  const records = host.findPort(recordsPort);
  const added = (await host.findPort(entitiesPort)?.list('provider-key')) ?? [];
  const byProvider = await trafficBy(host, 'provider', undefined);
  const keysOf = (provider: ProviderView): KeyName[] => [
    ...provider.keys.map((name) => ({ name, origin: 'config' as const })),
    ...added
      .filter(({ value }) => value.provider === provider.name)
      .map(({ value }) => ({ name: value.name, origin: 'store' as const })),
  ];
  const circuits = host.findPort(circuitsPort)?.open() ?? [];
  const isUsed = (provider: ProviderView): boolean => keysOf(provider).length > 0 || byProvider.has(provider.name);
  const blocks = await Promise.all(
    view.providers.filter(isUsed).map(async (provider) => {
      const byKey = await trafficBy(host, 'key', provider.name);
      const rows = keysOf(provider).map(({ name, origin }) => ({
        name,
        origin,
        state: host.keyHealth.get(provider.name, name),
        traffic: byKey.get(name),
      }));
      const resting = circuits.filter((circuit) => circuit.provider === provider.name);
      return block(provider, rows, resting, byProvider.get(provider.name), now);
    }),
  );
  return {
    title: 'Providers and keys',
    section: '/ui/providers',
    updates: 3_000,
    lead:
      records === undefined
        ? html`Traffic is shown once <code>plugins/records</code> is loaded.`
        : 'Traffic is that of the last hour; health is that of this process: failures in a row, average time to first content.',
    body: html`<div data-live id="all">${blocks}${unused(
      host,
      view.providers.filter((provider) => !isUsed(provider)),
    )}</div>`,
  };
}

async function trafficBy(host: Host, by: 'provider' | 'key', provider: string | undefined): Promise<Traffic> {
  const is = provider === undefined ? {} : { is: { provider: [provider] } };
  const filter = { from: host.clock.now() - hour, ...is };
  const groups = (await host.findPort(recordsPort)?.aggregate({ filter, by, limit: 200 })) ?? [];
  return new Map(groups.map((group) => [group.key, group]));
}

function block(
  { name, definition, baseUrl }: ProviderView,
  rows: readonly KeyRow[],
  circuits: readonly OpenCircuit[],
  traffic: RecordGroup | undefined,
  now: number,
): Html {
  const resting = rows.filter(({ state }) => (state?.restsUntil ?? 0) > now).length;
  const health =
    rows.length === 0
      ? badge('no key', 'plain')
      : resting === 0
        ? badge('serving', 'good')
        : resting < rows.length
          ? badge(`${resting} of ${rows.length} keys rest`, 'warn')
          : badge('all keys rest', 'bad');
  const broken =
    circuits.length > 0 &&
    html`${badge(circuits.length === 1 ? '1 model rests' : `${circuits.length} models rest`, 'warn')} `;
  const note = html`${broken}${health} <span class="name">${definition}</span> · ${baseUrl}`;
  const busy =
    traffic !== undefined &&
    html`<p class="small line">${count(traffic.requests)} ${traffic.requests === 1 ? 'request' : 'requests'} · ${percent(traffic.errors, traffic.requests)} errors · median ${duration(traffic.durationMs.p50)} · first content ${duration(traffic.firstContentMs.p50)}</p>`;
  return section(`provider-${name}`, name, html`${busy}${circuitList(circuits, now)}${keys(name, rows, now)}`, note);
}

/** Models whose circuit is not closed: a client's call is refused, or goes to its fallback. */
function circuitList(circuits: readonly OpenCircuit[], now: number): Html | false {
  if (circuits.length === 0) return false;
  return html`<ul class="circuits plain-list small" aria-label="Models that rest">${circuits.map(
    ({ model, state, until }) =>
      html`<li>${badge(state === 'open' ? 'circuit open' : 'circuit half-open', state === 'open' ? 'bad' : 'warn')} <span class="name">${model}</span> ${
        state === 'open'
          ? html`until ${moment(until, 'time')}, in ${duration(until - now)}`
          : 'one call goes through as a probe; its success closes the circuit'
      }</li>`,
  )}</ul>`;
}

/** What is configured but has neither key nor traffic: most providers of a config that lists them all. */
function unused(host: Host, list: readonly ProviderView[]): Html | false {
  if (list.length === 0) return false;
  const rows = table<ProviderView>(
    'Providers without key and traffic',
    [
      { name: 'Provider', head: true, cell: ({ name }) => name },
      { name: 'Address', cell: ({ baseUrl }) => baseUrl },
      { name: 'To use it', cell: ({ name }) => host.providers.get(name)?.keyAdvice ?? '–' },
    ],
    list,
    'None.',
  );
  return section('unused', 'Not in use', rows, count(list.length));
}

function keys(provider: string, rows: readonly KeyRow[], now: number): Html {
  return html`<div class="keys">${table<KeyRow>(
    `Keys of ${provider}`,
    [
      {
        name: 'Key',
        head: true,
        cell: ({ name, origin }) =>
          html`<span class="name">${name}</span>${origin === 'store' && html` <span class="tag">added at run time</span>`}`,
      },
      { name: 'State', cell: ({ state }) => stateOf(state, now) },
      { name: 'Running', number: true, cell: ({ state }) => count(state?.inFlight ?? 0) },
      { name: 'Failures', number: true, cell: ({ state }) => count(state?.failures ?? 0) },
      { name: 'First content', number: true, cell: ({ state }) => duration(state?.latencyMs) },
      { name: 'Requests', number: true, cell: ({ traffic }) => count(traffic?.requests ?? 0) },
      { name: 'Errors', number: true, cell: ({ traffic }) => percent(traffic?.errors ?? 0, traffic?.requests ?? 0) },
      { name: 'Median', number: true, cell: ({ traffic }) => duration(traffic?.durationMs.p50) },
    ],
    rows,
    'No key is needed or configured.',
  )}</div>`;
}

function stateOf(state: KeyState | undefined, now: number): Html {
  if (state !== undefined && state.restsUntil > now) {
    return html`${badge('cooling down', 'bad')} <span class="small">${rest(state.restsUntil, state.reason, now)}</span>`;
  }
  const models = [...(state?.modelRests ?? [])].filter(([, { until }]) => until > now);
  if (models.length === 0) return badge('serving', 'good');
  return html`${badge('cooling down for some models', 'warn')}<ul class="plain-list small">${models.map(([model, { until, reason }]) => html`<li><span class="name">${model}</span> ${rest(until, reason, now)}</li>`)}</ul>`;
}

function rest(until: number, reason: string | undefined, now: number): Html {
  const end = Number.isFinite(until)
    ? html`until ${moment(until, 'time')}, in ${duration(until - now)}`
    : html`until its config changes or a probe succeeds`;
  return html`${end}${reason !== undefined && html` · ${reason}`}`;
}

import type { Host } from '../../../plugin-sdk/index.ts';
import { type AccountView, viewAccount } from '../../../plugin-sdk/ports/account-view.ts';
import { accountsOfEntity } from '../../../plugin-sdk/ports/accounts.ts';
import { type Entity, entitiesPort } from '../../../plugin-sdk/ports/entities.ts';
import { type Ledger, ledgerPort } from '../../../plugin-sdk/ports/ledger.ts';
import { count, moment, percent, usd } from '../format.ts';
import { type Html, html, type Part } from '../html.ts';
import type { Page } from '../layout.ts';
import { badge, bar, missing, section, table } from '../parts.ts';

/** More than so many are not asked for at once; the admin API pages through all. */
const shown = 200;

const periodNames: Readonly<Record<string, string>> = {
  '1m': 'minute',
  '1h': 'hour',
  '1d': 'day',
  '1w': 'week',
  '1M': 'month',
  '1Q': 'quarter',
  '1Y': 'year',
};

type Owner = 'virtual-key' | 'team' | 'customer' | 'limit';

interface Row {
  readonly entity: Entity<Owner>;
  readonly accounts: readonly AccountView[];
}

/** Who may call, and how much of each budget and limit is left. */
export async function virtualKeys(host: Host): Promise<Page> {
  const entities = host.findPort(entitiesPort);
  const ledger = host.findPort(ledgerPort);
  const page = { title: 'Virtual keys', section: '/ui/virtual-keys' } as const;
  if (entities === undefined || ledger === undefined)
    return { ...page, body: missing('plugins/governance', 'Virtual keys') };
  const load = async (kind: Owner): Promise<Row[]> => {
    const list = (await entities.list(kind)).slice(0, shown);
    return Promise.all(list.map(async (entity) => ({ entity, accounts: await fill(entity, ledger) })));
  };
  const [keys, teams, customers, limits] = await Promise.all([
    load('virtual-key'),
    load('team'),
    load('customer'),
    load('limit'),
  ]);
  const now = host.clock.now();
  const rest: (Html | false)[] = [
    teams.length > 0 && section('teams', 'Teams', owners('Teams with their budgets and limits', teams)),
    customers.length > 0 &&
      section('customers', 'Customers', owners('Customers with their budgets and limits', customers)),
    limits.length > 0 &&
      section('limits', 'Limits of providers and models', owners('Providers and models with their limits', limits)),
  ];
  return {
    ...page,
    updates: 5_000,
    lead: 'Bars count open reservations as used.',
    body: html`${section('keys', 'Virtual keys', keyTable(keys, now), `${count(keys.length)} shown`)}${rest}`,
  };
}

async function fill(entity: Entity<Owner>, ledger: Ledger): Promise<AccountView[]> {
  const { kind, id, value } = entity;
  const accounts = accountsOfEntity(`${kind}:${id}`, value);
  return accounts.length === 0 ? [] : (await ledger.usage(accounts)).map(viewAccount);
}

function keyTable(rows: readonly Row[], now: number): Html {
  return table<Row>(
    'Virtual keys with their budgets and limits',
    [
      { name: 'Key', head: true, cell: ({ entity }) => nameOf(entity) },
      { name: 'State', cell: ({ entity }) => stateOf(entity as Entity<'virtual-key'>, now) },
      { name: 'Belongs to', cell: ({ entity }) => belongsTo(entity as Entity<'virtual-key'>) },
      { name: 'Budgets and limits', cell: ({ accounts }) => bars(accounts) },
    ],
    rows,
    html`There is no virtual key yet. Declare one in <code>plugins/governance</code> or make one by <code>POST /api/virtual-keys</code>.`,
  );
}

function owners(caption: string, rows: readonly Row[]): Html {
  return table<Row>(
    caption,
    [
      { name: 'Name', head: true, cell: ({ entity }) => nameOf(entity) },
      { name: 'Budgets and limits', cell: ({ accounts }) => bars(accounts) },
    ],
    rows,
    'None.',
  );
}

function nameOf({ id, value, hint, kind }: Entity<Owner>): Html {
  const name =
    'name' in value ? value.name : [value.provider ?? 'any provider', value.model ?? 'any model'].join(' / ');
  const traffic =
    kind === 'virtual-key' ? html`<a href="/ui/requests?${new URLSearchParams({ caller: id })}">${name}</a>` : name;
  return html`${traffic}<span class="below quiet small">${id !== name && id} ${hint !== undefined && html`<code>${hint}</code>`}</span>`;
}

function stateOf({ value }: Entity<'virtual-key'>, now: number): Html {
  if (!value.active) return badge('inactive', 'plain');
  if (value.expiresAt === undefined) return badge('active', 'good');
  const end = Date.parse(value.expiresAt);
  return end <= now
    ? badge('expired', 'bad')
    : html`${badge('active', 'good')} <span class="small">until ${moment(end, 'full')}</span>`;
}

function belongsTo({ value }: Entity<'virtual-key'>): Part {
  if (value.team !== undefined) return html`team <span class="name">${value.team}</span>`;
  return value.customer === undefined ? '–' : html`customer <span class="name">${value.customer}</span>`;
}

function bars(accounts: readonly AccountView[]): Html {
  if (accounts.length === 0) return html`<span class="quiet">unlimited</span>`;
  return html`<ul class="budgets">${accounts.map((view) => {
    const amount = (value: number): string => (view.unit === 'usd' ? usd(value) : count(value));
    const per = view.period === null ? 'at once' : `per ${periodNames[view.period] ?? view.period}`;
    const unit = view.unit === 'usd' ? '' : ` ${view.unit === 'concurrency' ? 'requests' : view.unit}`;
    const words = `${amount(view.used)} of ${amount(view.limit)}${unit} ${per}`;
    const share = view.limit === 0 ? 1 : view.used / view.limit;
    const resets = view.resetsAt === null ? undefined : html`, free again ${moment(Date.parse(view.resetsAt), 'full')}`;
    return html`<li>${bar(share, `${percent(view.used, view.limit)} used`)}<span class="small">${words}${view.used > 0 && html`<span class="quiet">${resets}</span>`}</span></li>`;
  })}</ul>`;
}

import type { Host } from '../../plugin-sdk/index.ts';
import { viewAccount } from '../../plugin-sdk/ports/account-view.ts';
import { accountsOfEntity } from '../../plugin-sdk/ports/accounts.ts';
import { entitiesPort } from '../../plugin-sdk/ports/entities.ts';
import { jobsPort } from '../../plugin-sdk/ports/jobs.ts';
import { type Account, ledgerPort } from '../../plugin-sdk/ports/ledger.ts';
import { recordsPort } from '../../plugin-sdk/ports/records.ts';
import { ReadMetric } from './series.ts';
import type { Source } from './source.ts';

const kinds = ['customer', 'team', 'virtual-key', 'limit'] as const;

/** What all processes share: jobs, kept records, how full budgets and limits are. One process answers for all. */
export function storeSources(host: Host, maxAccounts: number): Source[] {
  return [jobsSource(host), recordsSource(host), accountsSource(host, maxAccounts)];
}

function jobsSource(host: Host): Source {
  const count = new ReadMetric('gauge', 'bifrost_jobs', 'Async jobs by state; ended ones until their result expires.');
  return {
    name: 'jobs',
    metrics: [count],
    async read() {
      const counts = await host.findPort(jobsPort)?.counts();
      count.rows = Object.entries(counts ?? {}).map(([state, value]) => ({ labels: { state }, value }));
    },
  };
}

function recordsSource(host: Host): Source {
  const kept = new ReadMetric('gauge', 'bifrost_records_kept', 'Records in the store.');
  const size = new ReadMetric('gauge', 'bifrost_records_kept_bytes', 'Size of the records in the store.');
  return {
    name: 'records',
    metrics: [kept, size],
    async read() {
      const stats = await host.findPort(recordsPort)?.stats();
      if (stats === undefined) return;
      kept.value = stats.records;
      size.value = stats.bytes;
    },
  };
}

function accountsSource(host: Host, maxAccounts: number): Source {
  const help = 'Used of a budget or limit in its window, open reservations included: US dollars, requests or tokens.';
  const used = new ReadMetric('gauge', 'bifrost_account_used', help);
  const limit = new ReadMetric('gauge', 'bifrost_account_limit', 'The budget or limit itself, in the same unit.');
  return {
    name: 'ledger',
    metrics: [used, limit],
    async read() {
      const entities = host.findPort(entitiesPort);
      const ledger = host.findPort(ledgerPort);
      if (entities === undefined || ledger === undefined || maxAccounts === 0) return;
      const accounts: Account[] = [];
      for (const kind of kinds) {
        for (const { id, value } of await entities.list(kind))
          accounts.push(...accountsOfEntity(`${kind}:${id}`, value));
        if (accounts.length >= maxAccounts) break;
      }
      const usages = await ledger.usage(accounts.slice(0, maxAccounts));
      const views = usages.map((usage) => {
        const { unit, period, calendar, ...view } = viewAccount(usage);
        const window = period === null ? {} : { period, window: calendar ? 'calendar' : 'rolling' };
        return { labels: { account: usage.account.id, unit, ...window }, view };
      });
      used.rows = views.map(({ labels, view }) => ({ labels, value: view.used }));
      limit.rows = views.map(({ labels, view }) => ({ labels, value: view.limit }));
    },
  };
}

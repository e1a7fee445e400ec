import type { Host } from '../../../plugin-sdk/index.ts';
import { jobsPort } from '../../../plugin-sdk/ports/jobs.ts';
import { type ExchangeRecord, recordsPort } from '../../../plugin-sdk/ports/records.ts';
import { cost, count, duration, moment } from '../format.ts';
import { html } from '../html.ts';
import type { Page } from '../layout.ts';
import { facts, missing, section, table } from '../parts.ts';
import { statusBadge } from './requests.ts';

/** Runs are looked for among so many of the newest requests. */
const looked = 1_000;
const listed = 50;

/** How the queue of async jobs stands, and what ran lately. */
export async function jobs(host: Host): Promise<Page> {
  const page = { title: 'Jobs', section: '/ui/jobs' } as const;
  const store = host.findPort(jobsPort);
  const isLoaded = host.inspect().plugins.some(({ definition }) => definition === 'plugins/async-jobs');
  if (store === undefined || !isLoaded) return { ...page, body: missing('plugins/async-jobs', 'Async jobs') };
  const counts = await store.counts();
  const records = host.findPort(recordsPort);
  const newest = await records?.query({ filter: {}, sort: 'time', order: 'desc', limit: looked });
  const runs = newest?.records.filter(({ links }) => links.job !== undefined).slice(0, listed) ?? [];
  const body =
    records === undefined
      ? missing('plugins/records', 'What ran lately')
      : table<ExchangeRecord>(
          'Runs of jobs, newest first',
          [
            {
              name: 'Time',
              head: true,
              cell: ({ id, time }) =>
                html`<a href="/ui/requests/${encodeURIComponent(id)}" id="r-${id}">${moment(time, 'time')}</a>`,
            },
            { name: 'Job', cell: ({ links }) => html`<code>${links.job}</code>` },
            { name: 'Status', cell: statusBadge },
            {
              name: 'Model',
              cell: ({ provider, model }) => html`<span class="name">${provider ?? '–'}/${model ?? ''}</span>`,
            },
            { name: 'Total', number: true, cell: ({ durationMs }) => duration(durationMs) },
            { name: 'Cost', number: true, cell: (record) => cost(record.cost) },
          ],
          runs,
          `No job ran among the last ${count(looked)} requests.`,
        );
  return {
    ...page,
    updates: 3_000,
    lead: html`Ended jobs count until their result expires. One job: <code>GET /api/async-jobs/ID</code>.`,
    body: html`<div data-live id="figures">${facts([
      ['Queued', count(counts.queued)],
      ['Running', count(counts.running)],
      ['Completed', count(counts.completed)],
      ['Failed', count(counts.failed)],
      ['Cancelled', count(counts.cancelled)],
    ])}</div>${section('runs', 'Lately', body)}`,
  };
}

import type { Context } from 'hono';
import { adminActor, type Host } from '../../../plugin-sdk/index.ts';
import { entitiesPort } from '../../../plugin-sdk/ports/entities.ts';
import { type Job, type JobCounts, type JobState, type Jobs, jobsPort } from '../../../plugin-sdk/ports/jobs.ts';
import { count, duration, moment } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Page } from '../layout.ts';
import { badge, facts, missing, section, type Tone, table } from '../parts.ts';

const pageSize = 50;
const page = { title: 'Jobs', section: '/ui/jobs' } as const;

const tones: Readonly<Record<JobState, Tone>> = {
  queued: 'plain',
  running: 'plain',
  completed: 'good',
  failed: 'bad',
  cancelled: 'plain',
};

/** How the queue of async jobs stands, and the jobs themselves, newest first. `mayCancel`: the operator may change things. */
export async function jobs(host: Host, query: URLSearchParams, mayCancel: boolean): Promise<Page> {
  const store = jobsOf(host);
  if (store === undefined) return { ...page, body: missing('plugins/async-jobs', 'Async jobs') };
  const after = query.get('after') ?? undefined;
  const [counts, listed] = await Promise.all([
    store.counts(),
    store.list(undefined, { limit: pageSize, ...(after === undefined ? {} : { after }) }),
  ]);
  const pages = html`<nav class="pages" aria-label="Pages">
${after !== undefined && html`<a href="/ui/jobs">Newest</a>`}
${listed.next !== undefined && html`<a href="?${new URLSearchParams({ after: listed.next })}" rel="next">Older</a>`}
</nav>`;
  const list = jobTable(listed.jobs, host.clock.now(), mayCancel);
  return {
    ...page,
    ...(after === undefined ? { updates: 3_000 } : {}),
    lead: 'Ended jobs stay until their result expires.',
    body: html`<div data-live id="figures">${figures(counts)}</div>${section('jobs', 'Newest first', html`${list}${pages}`)}`,
  };
}

/** `POST /ui/jobs/:id/cancel`: ends a job that waits or runs, and shows the list again. */
export async function cancelJob(host: Host, context: Context): Promise<Response> {
  const job = await jobsOf(host)?.cancel(context.req.param('id') ?? '');
  if (job !== undefined) {
    const actor = adminActor(context);
    await host.findPort(entitiesPort)?.record({ actor, action: 'cancel', kind: 'job', id: job.id });
  }
  return context.redirect('/ui/jobs', 303);
}

/** A store offers jobs whether or not anything runs them. */
function jobsOf(host: Host): Jobs | undefined {
  const isLoaded = host.inspect().plugins.some(({ definition }) => definition === 'plugins/async-jobs');
  return isLoaded ? host.findPort(jobsPort) : undefined;
}

function figures(counts: JobCounts): Html {
  return facts([
    ['Queued', count(counts.queued)],
    ['Running', count(counts.running)],
    ['Completed', count(counts.completed)],
    ['Failed', count(counts.failed)],
    ['Cancelled', count(counts.cancelled)],
  ]);
}

function jobTable(list: readonly Job[], now: number, mayCancel: boolean): Html {
  return table<Job>(
    'Jobs, newest first',
    [
      {
        name: 'Submitted',
        head: true,
        cell: ({ id, createdAt }) =>
          html`<a href="/ui/requests?q=${encodeURIComponent(id)}" id="j-${id}">${moment(createdAt, 'time')}</a>`,
      },
      { name: 'State', cell: stateOf },
      {
        name: 'What',
        cell: ({ facts: { operation, model } }) =>
          html`<span class="name wraps">${String(model ?? '') || '–'}</span>${operation !== 'chat' && html` <span class="tag">${String(operation)}</span>`}`,
      },
      { name: 'Caller', cell: ({ owner }) => ownerName(owner) },
      {
        name: 'Waited',
        number: true,
        cell: ({ createdAt, startedAt, endedAt }) => duration((startedAt ?? endedAt ?? now) - createdAt),
      },
      {
        name: 'Ran',
        number: true,
        cell: ({ startedAt, endedAt }) => (startedAt === undefined ? '–' : duration((endedAt ?? now) - startedAt)),
      },
      { name: 'Runs', number: true, cell: ({ attempts }) => count(attempts) },
      { name: 'Job', cell: ({ id }) => html`<code class="small">${id}</code>` },
      ...(mayCancel ? [{ name: 'Action', cell: cancelForm }] : []),
    ],
    list,
    html`No jobs. A request with <code>x-bf-async: true</code> becomes one.`,
  );
}

function stateOf({ state, status, interruptions }: Job): Html {
  const interrupted = interruptions === 1 ? 'interrupted once' : `interrupted ${interruptions} times`;
  return html`${badge(state, tones[state])}${state === 'failed' && status !== undefined && html` <code class="quiet">${status}</code>`}${interruptions > 0 && html` <span class="tag">${interrupted}</span>`}`;
}

/** `virtual-key site` as `site`; of a credential only that it is one, and enough of its hash to tell it from others. */
function ownerName(owner: string): Html {
  const [kind = '', id = ''] = owner.split(' ', 2);
  if (kind === 'anonymous') return html`<span class="quiet">anonymous</span>`;
  const hash = /^credential:([0-9a-f]{8})/.exec(id)?.[1];
  return hash === undefined
    ? html`<span class="caller">${id}</span>`
    : html`<span class="quiet">credential</span> <code>${hash}</code>`;
}

function cancelForm({ id, endedAt }: Job): Html | false {
  if (endedAt !== undefined) return false;
  return html`<form method="post" action="/ui/jobs/${encodeURIComponent(id)}/cancel"><button class="small" aria-label="Cancel job ${id}">Cancel</button></form>`;
}

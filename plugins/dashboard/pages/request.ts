import { GatewayError, type HookStep, type Host } from '../../../plugin-sdk/index.ts';
import { type ExchangeRecord, type RecordedAttempt, recordsPort } from '../../../plugin-sdk/ports/records.ts';
import { bytes, cost, count, duration, moment } from '../format.ts';
import { type Html, html, type Part } from '../html.ts';
import type { Page } from '../layout.ts';
import { badge, type Column, facts, missing, section, table } from '../parts.ts';
import type { Timelines } from '../timelines.ts';
import { statusBadge } from './requests.ts';

/** Less between two attempts is no wait, only the way from one to the next. */
const pauseMs = 5;

/** One line of the picture of a request. Times in milliseconds since its start. */
interface Step {
  readonly what: Part;
  readonly kind: 'hook' | 'attempt' | 'stream' | 'queue';
  readonly failed?: boolean;
  /** Ran for an attempt. */
  readonly within?: boolean;
  readonly atMs: number;
  readonly ms: number;
}

/** One request: how its time was spent, what was decided and why, what it used. */
export async function request(host: Host, timelines: Timelines, id: string): Promise<Page> {
  const records = host.findPort(recordsPort);
  const page = { title: 'Request', section: '/ui/requests' } as const;
  if (records === undefined) return { ...page, body: missing('plugins/records', 'A request') };
  const record = await records.get(id);
  if (record === undefined) throw new GatewayError('STORE_UNKNOWN', { entity: 'record', id });
  const timeline = timelines.of(id);
  return {
    ...page,
    lead: html`<code>${id}</code> · ${moment(record.time, 'full')}`,
    controls: html`<a class="plain" href="/ui/requests">All requests</a>`,
    body: html`${summary(record)}
${section('timeline', 'Timeline', picture(record, timeline), spent(timeline))}
${section('decisions', 'Decision record', decisions(record))}
${section('attempts', 'Attempts', attempts(record))}
<div class="pair">${section('usage', 'Usage and cost', usage(record))}${section('facts', 'Facts', more(record))}</div>
${record.content !== undefined && section('bodies', 'Content', content(record.content))}`,
  };
}

function spent(timeline: readonly HookStep[] | undefined): string {
  if (timeline === undefined) return 'Times of plugins are kept for the last requests only.';
  return `${duration(timeline.reduce((sum, { ms }) => sum + ms, 0))} in plugins, waiting included`;
}

function summary(record: ExchangeRecord): Html {
  const { provider, model, caller } = record;
  return facts([
    ['Status', statusBadge(record)],
    ['Served by', provider === undefined ? 'the gateway' : html`<span class="name">${provider}/${model ?? ''}</span>`],
    ['Caller', caller.kind === 'anonymous' ? 'anonymous' : (caller.name ?? caller.id)],
    ['Total', duration(record.durationMs)],
    ['First content', duration(record.firstContentMs)],
    ['Tokens in / out', `${count(record.usage?.input)} / ${count(record.usage?.output)}`],
    ['Cost', cost(record.cost)],
  ]);
}

function stepsOf(record: ExchangeRecord, timeline: readonly HookStep[] | undefined): Step[] {
  const steps: Step[] = (timeline ?? []).map(({ plugin, hook, atMs, ms }) => ({
    what: html`<span class="name">${plugin}</span> <span class="quiet">${hook}</span>`,
    kind: 'hook',
    within: hook === 'selectKey' || hook === 'execute',
    atMs,
    ms,
  }));
  const { queueMs } = record;
  if (queueMs !== undefined) steps.push({ what: 'Waited for a place', kind: 'queue', atMs: 0, ms: queueMs });
  record.attempts.forEach((attempt, i) => {
    const atMs = attempt.startedMs ?? 0;
    const before = record.attempts[i - 1];
    const freeMs =
      before === undefined || before.result === 'abandoned' ? atMs : (before.startedMs ?? 0) + before.durationMs;
    if (atMs - freeMs > pauseMs)
      steps.push({ what: 'Waited before the next try', kind: 'queue', atMs: freeMs, ms: atMs - freeMs });
    const where = html`Attempt ${i + 1} <span class="name">${attempt.provider}/${attempt.model}</span>`;
    const first = attempt.firstContentMs;
    const streamed = record.stream && first !== undefined && attempt.result !== 'failed';
    steps.push({
      what: where,
      kind: 'attempt',
      failed: attempt.result !== 'ok',
      atMs,
      ms: streamed ? first : attempt.durationMs,
    });
    if (streamed)
      steps.push({
        what: html`Stream of attempt ${i + 1}`,
        kind: 'stream',
        failed: attempt.result !== 'ok',
        atMs: atMs + first,
        ms: attempt.durationMs - first,
      });
  });
  return steps.sort((a, b) => a.atMs - b.atMs);
}

function picture(record: ExchangeRecord, timeline: readonly HookStep[] | undefined): Html {
  const steps = stepsOf(record, timeline);
  const total = Math.max(record.durationMs, ...steps.map(({ atMs, ms }) => atMs + ms), 0.001);
  const columns: Column<Step>[] = [
    {
      name: 'Step',
      head: true,
      cell: ({ what, failed, within }) =>
        html`<span${within === true && html` class="within"`}>${what}</span>${failed === true && html` ${badge('failed', 'bad')}`}`,
    },
    { name: 'When', cell: (step) => stepBar(step, total) },
    { name: 'Start', number: true, cell: ({ atMs }) => `+${duration(atMs)}` },
    { name: 'Time', number: true, cell: ({ ms }) => duration(ms) },
  ];
  return html`<div class="timeline">${table('Steps of the request in order of time', columns, steps, 'Nothing ran: the request was turned away.')}
<p class="small quiet legend"><span class="key hook">Plugin</span><span class="key attempt">Attempt until first content</span><span class="key stream">Stream</span><span class="key queue">Waiting</span></p></div>`;
}

function stepBar({ kind, failed, atMs, ms }: Step, total: number): Html {
  const x = ((atMs / total) * 1_000).toFixed(1);
  const width = Math.max(3, (ms / total) * 1_000).toFixed(1);
  return html`<svg class="step" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><path class="rail" d="M0 5H1000" /><rect class="${failed === true ? 'failed' : kind}" x="${x}" y="0" width="${width}" height="10" /></svg>`;
}

function decisions({ decisions: list }: ExchangeRecord): Html {
  if (list.length === 0)
    return html`<p class="empty">No plugin noted a decision: the first key of the first target served.</p>`;
  return html`<ol class="decisions">${list.map(
    ({
      atMs,
      by,
      what,
      details,
    }) => html`<li><span class="at">+${duration(atMs)}</span><div><strong>${what}</strong> <span class="quiet">by ${by}</span>
${details !== undefined && html`<dl>${Object.entries(details).map(([name, value]) => html`<div><dt>${name}</dt><dd>${said(value)}</dd></div>`)}</dl>`}</div></li>`,
  )}</ol>`;
}

function said(value: unknown): string {
  if (value === null) return '–';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(said).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function attempts({ attempts: list }: ExchangeRecord): Html {
  const numbered = list.map((attempt, i) => ({ ...attempt, number: i + 1 }));
  return table<RecordedAttempt & { number: number }>(
    'Attempts in order',
    [
      { name: 'No.', head: true, cell: ({ number }) => number },
      { name: 'Target', cell: ({ provider, model }) => html`<span class="name">${provider}/${model}</span>` },
      { name: 'Key', cell: ({ key }) => key ?? '–' },
      {
        name: 'Result',
        cell: ({ result, error }) =>
          html`${badge(result, result === 'ok' ? 'good' : result === 'failed' ? 'bad' : 'warn')}${error !== undefined && html` <code class="quiet">${error}</code>`}`,
      },
      { name: 'Status', number: true, cell: ({ status }) => status ?? '–' },
      { name: 'First content', number: true, cell: ({ firstContentMs }) => duration(firstContentMs) },
      { name: 'Time', number: true, cell: ({ durationMs }) => duration(durationMs) },
    ],
    numbered,
    'No provider was asked.',
  );
}

const usageNames: Readonly<Record<string, string>> = {
  input: 'Input tokens',
  output: 'Output tokens',
  total: 'Total as told',
  cachedInput: 'Read from prompt cache',
  cacheWriteInput: 'Written to prompt cache',
  cacheWriteLongInput: 'Written for an hour',
  reasoning: 'Reasoning tokens',
};

function usage(record: ExchangeRecord): Html {
  const lines: [string, Part][] = Object.entries(record.usage ?? {}).map(([name, value]) => [
    usageNames[name] ?? name,
    typeof value === 'number' ? count(value) : String(value),
  ]);
  if (lines.length === 0) lines.push(['Tokens', 'none were told']);
  lines.push(['Cost', cost(record.cost)]);
  if (record.priceVersion !== undefined) lines.push(['Price book', record.priceVersion]);
  return pairs(lines);
}

function more(record: ExchangeRecord): Html {
  const { links, metadata } = record;
  const lines: [string, Part | undefined][] = [
    ['Operation', `${record.operation}${record.stream ? ', streamed' : ''}`],
    ['Dialect', record.dialect],
    ['Model as asked', record.clientModel],
    ['Finish', record.finish],
    ['Origin', record.origin],
    ['Team', record.caller.team],
    ['Customer', record.caller.customer],
    ['Queue', record.queueMs === undefined ? undefined : duration(record.queueMs)],
    ['Connect', record.connectMs === undefined ? undefined : duration(record.connectMs)],
    ['First byte to client', record.firstByteMs === undefined ? undefined : duration(record.firstByteMs)],
    ['Bytes in / out', `${bytes(record.bytesIn)} / ${bytes(record.bytesOut)}`],
    ['Writes of stream', record.stream ? count(record.chunks) : undefined],
    ['Not carried', record.lossy.length === 0 ? undefined : record.lossy.join(', ')],
    ['Cache', links.cache],
    ['Job', links.job],
    [
      'Caused by',
      links.parent === undefined
        ? undefined
        : html`<a href="/ui/requests/${encodeURIComponent(links.parent)}">${links.parent}</a>`,
    ],
    ...Object.entries(metadata).map(([name, value]): [string, Part] => [name, value]),
    ['Config', html`<code>${record.generation}</code>`],
  ];
  return pairs(lines.filter((line): line is [string, Part] => line[1] !== undefined));
}

function content({ request: asked, response, truncated }: NonNullable<ExchangeRecord['content']>): Html {
  const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));
  return html`${truncated && html`<p class="small quiet">Cut to the size limit.</p>`}
${asked !== undefined && html`<details id="content-request"><summary>Request</summary><pre tabindex="0"><code>${shown(asked)}</code></pre></details>`}
${response !== undefined && html`<details id="content-response"><summary>Reply</summary><pre tabindex="0"><code>${shown(response)}</code></pre></details>`}`;
}

function pairs(lines: readonly (readonly [string, Part])[]): Html {
  return html`<dl class="pairs">${lines.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

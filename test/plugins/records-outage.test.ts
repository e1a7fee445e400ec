import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { bind, definePlugin } from '../../plugin-sdk/index.ts';
import { type RecordQueueStats, recordsPort } from '../../plugin-sdk/ports/records.ts';
import { LmdbRecords } from '../../plugins/store-lmdb/records.ts';
import { chat, completion, startRecording } from './record-gateway.ts';

/** Seconds that the store stands still; `OUTAGE_SECONDS=60` for the long run. */
const seconds = Number(process.env['OUTAGE_SECONDS'] ?? 3);
const perSecond = 500;
/** What the provider takes: enough that 5 % of it is more than the jitter of a timer. */
const upstreamMs = 40;

/** The real store, whose writes hang while it stands still, as those to a dead disk or a lost server do. */
function stoppingStore() {
  let resume: (() => void) | undefined;
  let stopped: Promise<void> | undefined;
  const definition = definePlugin({
    name: 'stopping-store',
    options: z.strictObject({}),
    provides: [recordsPort.capability],
    setup(_options, host) {
      const store = new LmdbRecords(host, 1024 ** 3);
      const append = store.append.bind(store);
      store.append = async (records) => {
        await stopped;
        await append(records);
      };
      return { ports: [bind(recordsPort, store)] };
    },
  });
  return {
    definition: definition as never,
    stop() {
      stopped = new Promise((resolve) => {
        resume = resolve;
      });
    },
    resume() {
      stopped = undefined;
      resume?.();
    },
  };
}

interface Load {
  readonly requests: number;
  readonly failed: number;
  /** Milliseconds, from the moment at which each was due. */
  readonly p50: number;
  readonly p99: number;
  /** Of each five seconds, the middle one of them: what else the machine did for a moment does not show. */
  readonly steadyP99: number;
}

/** So many requests a second for so long, whether or not earlier ones have been answered. */
async function load(url: string, agent: Agent, body: string, forSeconds: number): Promise<Load> {
  const total = perSecond * forSeconds;
  const times: { readonly due: number; readonly ms: number }[] = [];
  let failed = 0;
  const one = (due: number): Promise<void> =>
    new Promise((resolve) => {
      const ended = (isGood: boolean) => {
        if (isGood) times.push({ due, ms: performance.now() - due });
        else failed += 1;
        resolve();
      };
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      request(url, { method: 'POST', agent, headers }, (reply) => {
        reply.resume().on('end', () => ended(reply.statusCode === 200));
      })
        .on('error', () => ended(false))
        .end(body);
    });
  const running: Promise<void>[] = [];
  const start = performance.now();
  while (running.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - start) * perSecond) / 1_000) + 1);
    while (running.length < due) running.push(one(start + (running.length * 1_000) / perSecond));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(running);
  const windows = Map.groupBy(times, ({ due }) => Math.floor((due - start) / 5_000));
  return {
    requests: total,
    failed,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    steadyP99: percentile(
      [...windows.values()].map((window) => ({ ms: percentile(window, 0.99) })),
      0.5,
    ),
  };
}

function percentile(values: readonly { readonly ms: number }[], share: number): number {
  const sorted = values.map(({ ms }) => ms).sort((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length * share)] ?? Number.NaN) * 100) / 100;
}

test('a store of records that stands still under load fails and slows no request, and what it misses is counted', {
  timeout: (seconds * 4 + 60) * 1_000,
}, async (t: TestContext) => {
  const store = stoppingStore();
  await using recording = await startRecording(
    { queue: Math.round((perSecond * seconds * 2) / 3), flushMs: 200 },
    { plugins: { 'stopping-store': {} }, definitions: { 'stopping-store': store.definition } },
  );
  recording.upstream.always({ json: completion, delayMs: upstreamMs });
  const agent = new Agent({ keepAlive: true });
  const url = `${recording.gateway.url}/v1/chat/completions`;
  const run = (forSeconds: number) => load(url, agent, JSON.stringify(chat), forSeconds);
  const stats = async () => recording.api<{ queue: RecordQueueStats; store: { records: number } }>('/records/stats');

  const warm = await run(2);
  const before = await run(seconds);
  store.stop();
  const during = await run(seconds);
  const { queue } = await stats();
  assert.ok(queue.dropped > 0, 'it stood still for longer than the queue lasts');
  store.resume();
  const after = await run(seconds);
  agent.destroy();
  let end = await stats();
  for (let tries = 0; tries < 600 && end.queue.queued > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    end = await stats();
  }
  const { dropped, written } = end.queue;
  t.diagnostic(`before ${JSON.stringify(before)}`);
  t.diagnostic(`during ${JSON.stringify(during)}`);
  t.diagnostic(`after  ${JSON.stringify(after)}`);
  t.diagnostic(`dropped ${dropped}, written ${written}`);
  const made = [warm, before, during, after].reduce((sum, { requests }) => sum + requests, 0);
  assert.equal(
    [warm, before, during, after].reduce((sum, { failed }) => sum + failed, 0),
    0,
    'none failed',
  );
  assert.equal(end.store.records, written);
  assert.equal(dropped, made - end.store.records, 'what is missing');
  // A short run is at the mercy of whatever else the machine does: there, only the usual request is held to it.
  const [share, slack] = seconds < 30 ? (['p50', 50] as const) : (['steadyP99', 0] as const);
  const allowed = Math.max(before[share], after[share]) * 1.05 + slack;
  assert.ok(
    during[share] <= allowed,
    `${share} ${during[share]} ms during, ${before[share]} before, ${after[share]} after`,
  );
});

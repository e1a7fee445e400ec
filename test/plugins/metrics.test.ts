import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeClock } from '../../plugin-sdk/testing/index.ts';
import { BoundedNames } from '../../plugins/metrics/bounded-names.ts';
import { SeriesHistogram } from '../../plugins/metrics/series.ts';
import { Workers } from '../../plugins/metrics/workers.ts';
import { readExposition, sampleOf } from './exposition.ts';
import { chat, chunks, completion, startRecording } from './record-gateway.ts';

type Recording = Awaited<ReturnType<typeof startRecording>>;

const start = (options: object = {}, plugins: object = {}): Promise<Recording> =>
  startRecording({}, { plugins: { 'plugins/metrics': options, failover: {}, ...plugins } } as never);

async function scrape({ gateway, admin }: Recording) {
  const response = await fetch(`${gateway.url}/metrics`, { headers: admin });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/);
  return readExposition(await response.text());
}

/** Scrapes until a sample is there: requests are counted after their last byte. */
async function until(recording: Recording, name: string, labels: Record<string, string>, value: number) {
  for (let tries = 0; tries < 100; tries++) {
    const families = await scrape(recording);
    if (sampleOf(families, name, labels) === value) return families;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return assert.fail(`${name} ${JSON.stringify(labels)} is not ${value}`);
}

const call = { gen_ai_operation_name: 'chat', gen_ai_provider_name: 'openai', gen_ai_request_model: 'gpt-4o' };

test('counts a request, its tokens and its cost under the names of OpenTelemetry', async () => {
  await using recording = await start();
  recording.upstream.reply({ json: completion });
  await recording.post('/chat/completions', chat);
  const families = await until(recording, 'gen_ai_server_request_duration_seconds_count', call, 1);
  assert.equal(sampleOf(families, 'gen_ai_client_token_usage_sum', { ...call, gen_ai_token_type: 'input' }), 1_000);
  assert.equal(sampleOf(families, 'gen_ai_client_token_usage_sum', { ...call, gen_ai_token_type: 'output' }), 100);
  assert.equal(sampleOf(families, 'gen_ai_client_operation_duration_seconds_count', { key: 'main', result: 'ok' }), 1);
  assert.equal(sampleOf(families, 'bifrost_requests_total', { status: '200', origin: 'upstream' }), 1);
  assert.ok(sampleOf(families, 'bifrost_cost_usd_total', call)! > 0);
  assert.equal(sampleOf(families, 'bifrost_handler_runs_total', { plugin: 'plugins/pricing', hook: 'postLog' }), 1);
});

test('gives the gateway its own share of the time: what an upstream takes is no overhead', async () => {
  await using recording = await start();
  recording.upstream.always({ json: completion, delayMs: 300 });
  await Promise.all([1, 2, 3].map(() => recording.post('/chat/completions', chat)));
  const families = await until(recording, 'bifrost_gateway_overhead_seconds_count', { operation: 'chat' }, 3);
  assert.ok(sampleOf(families, 'gen_ai_server_request_duration_seconds_sum', call)! > 0.9);
  assert.ok(sampleOf(families, 'bifrost_gateway_overhead_seconds_sum', { operation: 'chat' })! < 0.3);
});

test('measures first content and time per token of streams only', async () => {
  await using recording = await start();
  recording.upstream.reply({ json: completion }, { events: chunks, chunkDelayMs: 10 });
  await recording.post('/chat/completions', chat);
  await (await recording.post('/chat/completions', { ...chat, stream: true })).text();
  const families = await until(recording, 'gen_ai_server_time_to_first_token_seconds_count', call, 1);
  assert.equal(sampleOf(families, 'gen_ai_server_time_per_output_token_seconds_count', call), 1);
});

test('counts each attempt of a failover by its key and error', async () => {
  await using recording = await start();
  recording.upstream.reply({ status: 503, json: { error: { message: 'overloaded' } } }, { json: completion });
  await recording.post('/chat/completions', chat, { 'x-failover': 'backup/gpt-4o' });
  const failed = { provider: 'openai', key: 'main', result: 'failed', error_type: '503' };
  const families = await until(recording, 'bifrost_attempts_total', failed, 1);
  assert.equal(sampleOf(families, 'bifrost_attempts_total', { provider: 'backup', key: 'backup', result: 'ok' }), 1);
  assert.equal(sampleOf(families, 'bifrost_gateway_overhead_seconds_count'), undefined);
});

test('a hit of the cache is a request of its model that used no tokens and paid no provider, whatever it is charged', async () => {
  for (const costOfHit of ['none', 'as-cached']) {
    await using recording = await start({}, { 'plugins/cache': { costOfHit } });
    recording.upstream.always(({ json }) =>
      (json as { stream?: boolean }).stream === true ? { events: chunks } : { json: completion },
    );
    const streamed = { ...chat, seed: 1, stream: true, stream_options: { include_usage: true } };
    for (let i = 0; i < 3; i++) {
      await (await recording.post('/chat/completions', chat)).text();
      await (await recording.post('/chat/completions', streamed)).text();
      // An answer is stored behind the reply.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(recording.upstream.requests.length, 2);
    const families = await until(recording, 'gen_ai_server_request_duration_seconds_count', call, 6);
    assert.equal(sampleOf(families, 'gen_ai_client_token_usage_count', { gen_ai_token_type: 'input' }), 2);
    assert.equal(sampleOf(families, 'gen_ai_client_token_usage_sum', { ...call, gen_ai_token_type: 'input' }), 2_000);
    const cost = sampleOf(families, 'bifrost_cost_usd_total', call)!;
    assert.ok(Math.abs(cost - 0.0065) < 1e-9, String(cost));
  }
});

test('shows connections, keys, the queue of records and what stores hold', async () => {
  await using recording = await start({}, { 'plugins/key-pool': {}, 'plugins/async-jobs': {} });
  recording.upstream.reply({ json: completion });
  await recording.post('/chat/completions', chat);
  const families = await until(recording, 'bifrost_records_written_total', {}, 1);
  assert.equal(sampleOf(families, 'bifrost_upstream_connections', { origin: recording.upstream.url }), 1);
  assert.equal(sampleOf(families, 'bifrost_key_resting', { provider: 'openai', key: 'main' }), 0);
  assert.equal(sampleOf(families, 'bifrost_records_dropped_total'), 0);
  assert.equal(sampleOf(families, 'bifrost_records_kept'), 1);
  assert.equal(sampleOf(families, 'bifrost_jobs', { state: 'queued' }), 0);
  for (const name of [
    'nodejs_eventloop_delay_p99_seconds',
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
  ]) {
    assert.ok(sampleOf(families, name)! >= 0, name);
  }
});

test('shows how full budgets are, those that a key has at one provider as well', async () => {
  const budget = (limit: number) => [{ limit, period: '1d' }];
  const value = 'sk-bf-with-two-budgets-0123456789';
  const grant = { provider: 'openai', budgets: budget(2) };
  await using recording = await start(
    {},
    { 'plugins/governance': { virtualKeys: [{ id: 'ada', value, budgets: budget(5), providers: [grant] }] } },
  );
  recording.upstream.reply({ json: completion });
  const reply = await recording.post('/chat/completions', chat, { 'x-bf-vk': value });
  assert.equal(reply.status, 200);
  const cost = Number(reply.headers.get('x-bf-cost'));
  assert.ok(cost > 0);
  for (const [account, limit] of [
    ['virtual-key:ada', 5],
    ['virtual-key:ada:openai', 2],
  ] as const) {
    const labels = { account, unit: 'usd', period: '1d' };
    const families = await until(recording, 'bifrost_account_used', labels, cost);
    assert.equal(sampleOf(families, 'bifrost_account_limit', labels), limit);
  }
});

test('counts models beyond the limit as other, so that clients cannot make series without end', async () => {
  await using recording = await start({ maxModels: 4 });
  recording.upstream.always({ status: 404, json: { error: { message: 'no such model' } } });
  for (let i = 0; i < 12; i++) await recording.post('/chat/completions', { ...chat, model: `openai/made-up-${i}` });
  recording.upstream.always({ json: completion });
  await recording.post('/chat/completions', chat);
  const families = await until(recording, 'gen_ai_server_request_duration_seconds_count', call, 1);
  const models = new Set(
    families.get('gen_ai_server_request_duration_seconds')!.samples.map(({ labels }) => labels['gen_ai_request_model']),
  );
  assert.deepEqual([...models].sort(), ['gpt-4o', 'made-up-0', 'made-up-1', 'other']);
});

test('asks for an admin token unless told to be public', async () => {
  await using guarded = await start();
  assert.equal((await fetch(`${guarded.gateway.url}/metrics`)).status, 401);
  await using open = await start({ guard: 'public' });
  assert.equal((await fetch(`${open.gateway.url}/metrics`)).status, 200);
});

test('goes on counting over a reload', async () => {
  await using recording = await start();
  recording.upstream.always({ json: completion });
  await recording.post('/chat/completions', chat);
  await until(recording, 'gen_ai_server_request_duration_seconds_count', call, 1);
  await recording.gateway.reload({});
  await recording.post('/chat/completions', chat);
  await until(recording, 'gen_ai_server_request_duration_seconds_count', call, 2);
});

test('puts an observation into the first bucket that holds it', async () => {
  const histogram = new SeriesHistogram('h', 'Help.', [1, 2]);
  const series = histogram.series({ a: 'b' });
  for (const value of [0, 1, 1.5, 2, 3]) series.observe(value);
  const counts = histogram.get().values.filter(({ metricName }) => metricName === 'h_bucket');
  assert.deepEqual(
    counts.map(({ labels, value }) => [labels['le'], value]),
    [
      ['1', 2],
      ['2', 4],
      ['+Inf', 5],
    ],
  );
  assert.equal(series.sum, 7.5);
});

test('keeps half of the names for those with a success', () => {
  const names = new BoundedNames(4);
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => names.place(name, false)),
    ['a', 'b', 'other'],
  );
  assert.deepEqual(
    ['c', 'd', 'e', 'a'].map((name) => names.place(name, true)),
    ['c', 'd', 'other', 'a'],
  );
});

test('cuts a name that a client makes as long as it likes, and takes it for the same name again', async () => {
  const names = new BoundedNames(2);
  const long = 'm'.repeat(1_000_000);
  assert.equal(names.place(long, true), 'm'.repeat(200));
  assert.equal(names.place(long, false), 'm'.repeat(200));
  await using recording = await start();
  recording.upstream.always({ status: 404, json: { error: { message: 'no such model' } } });
  await recording.post('/chat/completions', { ...chat, model: `openai/${'x'.repeat(9_000)}` });
  const wanted = { ...call, gen_ai_request_model: 'x'.repeat(200) };
  await until(recording, 'gen_ai_server_request_duration_seconds_count', wanted, 1);
});

test('adds up the workers of one gateway and forgets those that died', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-workers-'));
  const complain = (_fields: object, message?: string): never => assert.fail(message);
  const log = { debug() {}, info() {}, warn: complain, error: complain };
  const workers = ['1', '2'].map(
    (id) => new Workers(folder, id, new FakeClock(), log, async () => [{ name: 'n', id }]),
  );
  for (const worker of workers) worker.start();
  writeFileSync(join(folder, '3.json'), '[{"name":"n","id":"3"}]');
  utimesSync(join(folder, '3.json'), 0, 0);
  for (let tries = 0; tries < 100 && !readdirSync(folder).includes('2.json'); tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(await workers[0]!.all(), [[{ name: 'n', id: '1' }], [{ name: 'n', id: '2' }]]);
  assert.ok(!readdirSync(folder).includes('3.json'));
  for (const worker of workers) await worker.close();
  assert.deepEqual(readdirSync(folder), []);
  rmSync(folder, { recursive: true });
});

test('a scrape of one worker never shows less of another than that one has shown itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-workers-'));
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  let count = 1;
  const [first, second] = ['1', '2'].map(
    (id) => new Workers(folder, id, new FakeClock(), log, async () => [{ id, count }]),
  ) as [Workers, Workers];
  first.start();
  count = 2;
  assert.deepEqual((await first.all())[0], [{ id: '1', count: 2 }]);
  assert.deepEqual((await second.all())[1], [{ id: '1', count: 2 }]);
  await first.close();
  await second.close();
  rmSync(folder, { recursive: true });
});

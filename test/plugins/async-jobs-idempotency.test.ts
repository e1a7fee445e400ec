import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { completion, type JobsGateway, type Plugins, startJobs } from './jobs-gateway.ts';

const deadline = { timeout: 20_000 };
const chat = '/openai/v1/chat/completions';
const body = { model: 'openai/gpt-4o-mini', messages: [{ role: 'user', content: 'x' }] };
const vk = { authorization: 'Bearer sk-bf-one-value' };
const plain = { plainIdempotency: true };

const send = ({ call }: JobsGateway, headers: Record<string, string> = {}): Promise<Response> =>
  call('POST', chat, headers, body);
const governed = (limit: Record<string, unknown>): Plugins => ({
  'plugins/governance': { virtualKeys: [{ id: 'one', name: 'one', value: 'sk-bf-one-value', ...limit }] },
});
/** What a client reads to find out whether to come again. */
const advice = ({ status, headers }: Response): unknown[] => [
  status,
  headers.get('x-should-retry'),
  headers.get('retry-after'),
];

test('a call that was refused before anything was sent does not use up its Idempotency-Key', deadline, async (t) => {
  const setup = await startJobs(t, plain, governed({ concurrency: 1 }));
  const key = { ...vk, 'idempotency-key': 'order-1' };
  const { promise: after, resolve: release } = Promise.withResolvers<void>();
  setup.upstream.reply({ json: completion, after });
  const first = send(setup, vk);
  while (setup.upstream.requests.length === 0) await sleep(5);
  const refused = await send(setup, key);
  release();
  assert.deepEqual(advice(refused), [429, null, '1']);
  assert.equal((await first).status, 200);
  const again = await send(setup, key);
  assert.equal(again.status, 200);
  assert.equal(again.headers.get('idempotent-replayed'), null);
  const repeated = await send(setup, key);
  assert.equal(repeated.headers.get('idempotent-replayed'), 'true');
  assert.equal(setup.upstream.requests.length, 2);
});

test(
  'a refusal that is not to be tried again reads as without an Idempotency-Key, and its key is free when it is lifted',
  deadline,
  async (t) => {
    const setup = await startJobs(t, plain, governed({ rateLimits: [{ requests: 1, period: '1d' }] }));
    const key = { ...vk, 'idempotency-key': 'order-1' };
    assert.equal((await send(setup, vk)).status, 200);
    const [without, refused] = [await send(setup, vk), await send(setup, key)];
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('x-should-retry'), without.headers.get('x-should-retry'));
    assert.ok(refused.headers.has('retry-after') === without.headers.has('retry-after'));
    await setup.gateway.reload({ plugins: setup.plugins(governed({ rateLimits: [{ requests: 9, period: '1d' }] })) });
    assert.equal((await send(setup, { ...key })).status, 200);
  },
);

for (const status of [408, 409, 429, 500, 503]) {
  test(`a provider's ${status} does not use up the Idempotency-Key`, deadline, async (t) => {
    const setup = await startJobs(t, plain);
    const key = { 'idempotency-key': 'order-1' };
    setup.upstream.always({ status, json: { error: { message: 'not now' } } });
    const failed = await send(setup, key);
    assert.deepEqual(advice(failed).slice(0, 2), [status, null]);
    setup.upstream.always({ json: completion });
    // A key of the provider that was told to wait rests for a while.
    let again = await send(setup, key);
    while (again.status === 429) {
      await sleep(200);
      again = await send(setup, key);
    }
    assert.equal(again.status, 200);
  });
}

test('a failure that a repeat would meet again is kept for its Idempotency-Key', deadline, async (t) => {
  const setup = await startJobs(t, plain);
  const key = { 'idempotency-key': 'order-1' };
  setup.upstream.always({ status: 400, json: { error: { message: 'bad model' } } });
  assert.deepEqual(advice(await send(setup, key)), [400, 'false', null]);
  const again = await send(setup, key);
  assert.deepEqual(advice(again), [400, 'false', null]);
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
  assert.equal(setup.upstream.requests.length, 1);
});

test(
  'a paid reply that is too large to keep is not paid for again under the same Idempotency-Key',
  deadline,
  async (t) => {
    const setup = await startJobs(t, { ...plain, maxResultBytes: 10 });
    const key = { 'idempotency-key': 'order-1' };
    for (let i = 0; i < 2; i++) assert.deepEqual(advice(await send(setup, key)), [502, 'false', null]);
    assert.equal(setup.upstream.requests.length, 1);
  },
);

test('calls that wait with the same Idempotency-Key all get the refusal that frees it', deadline, async (t) => {
  const setup = await startJobs(t, plain);
  const key = { 'idempotency-key': 'order-1' };
  setup.upstream.always({ status: 500, json: { error: { message: 'down' } }, delayMs: 300 });
  const replies = await Promise.all([1, 2, 3].map(() => send(setup, key)));
  for (const reply of replies) assert.deepEqual(advice(reply).slice(0, 2), [500, null]);
  const ids = new Set(replies.map(({ headers }) => headers.get('x-bf-async-id')));
  assert.equal(ids.size, 1);
  setup.upstream.always({ json: completion });
  assert.equal((await send(setup, key)).status, 200);
});

test('a job that failed keeps its Idempotency-Key, so that a repeated submission finds it', deadline, async (t) => {
  const setup = await startJobs(t, plain);
  setup.upstream.always({ status: 500, json: { error: { message: 'down' } } });
  const headers = { 'x-bf-async': 'true', 'idempotency-key': 'order-1' };
  const id = (await send(setup, headers)).headers.get('x-bf-async-id')!;
  let poll = await send(setup, { 'x-bf-async-id': id });
  while (poll.headers.get('x-bf-async-status') !== 'failed') {
    await sleep(20);
    poll = await send(setup, { 'x-bf-async-id': id });
  }
  assert.deepEqual(advice(poll), [500, 'false', null]);
  const repeated = await send(setup, headers);
  assert.equal(repeated.headers.get('x-bf-async-id'), id);
  assert.equal(repeated.headers.get('idempotent-replayed'), 'true');
});

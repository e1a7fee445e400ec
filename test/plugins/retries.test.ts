import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUpstream } from '../../plugin-sdk/testing/index.ts';
import { RetryBudget } from '../../plugins/retries/retry-budget.ts';
import { chat, failed, keyOf, keys, said, startPooled } from './pooled-gateway.ts';

const quick = { initialMs: 10, maxMs: 2_000, jitter: 0 };

for (const status of [408, 409, 429, 500, 502, 503, 504, 529]) {
  test(`${status} is tried again until it works`, async () => {
    await using upstream = await startUpstream();
    upstream.reply(failed(status, status === 429 ? { 'retry-after': '0' } : {}), said());
    await using gateway = await startPooled({ openai: upstream }, { 'plugins/retries': quick });
    const reply = await chat(gateway);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(upstream.requests.length, 2);
    assert.equal(reply.headers.get('x-bf-attempts'), `openai/gpt-4o: ${status}`);
    assert.deepEqual(upstream.requests[0]!.body, upstream.requests[1]!.body);
  });
}

for (const status of [400, 404, 413, 422]) {
  test(`${status} is not tried again`, async () => {
    await using upstream = await startUpstream();
    upstream.always(failed(status));
    await using gateway = await startPooled({ openai: upstream }, { 'plugins/retries': quick });
    assert.equal((await chat(gateway)).status, status);
    assert.equal(upstream.requests.length, 1);
  });
}

test('a reset connection is tried again', async () => {
  await using upstream = await startUpstream();
  upstream.reply({ fault: 'reset' }, { fault: 'reset' }, said());
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/retries': quick });
  assert.equal((await chat(gateway)).status, 200);
});

test('waits grow and are never shorter than retry-after', async () => {
  await using upstream = await startUpstream();
  const at: number[] = [];
  const scripts = [failed(500), failed(500), failed(503, { 'retry-after-ms': '250' }), said()];
  upstream.always(() => {
    at.push(performance.now());
    return scripts.shift()!;
  });
  await using gateway = await startPooled(
    { openai: upstream },
    { 'plugins/retries': { ...quick, retries: 3, initialMs: 40 } },
  );
  assert.equal((await chat(gateway)).status, 200);
  const waits = at.slice(1).map((time, i) => time - at[i]!);
  assert.ok(waits[0]! >= 38 && waits[0]! < 79, String(waits));
  assert.ok(waits[1]! >= 78 && waits[1]! < 200, String(waits));
  assert.ok(waits[2]! >= 245, String(waits));
});

test('a provider that asks for a longer wait than allowed is not waited for', async () => {
  await using upstream = await startUpstream();
  upstream.always(failed(503, { 'retry-after': '30' }));
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/retries': quick });
  const started = performance.now();
  const reply = await chat(gateway);
  assert.ok(performance.now() - started < 1_000);
  assert.equal(reply.headers.get('retry-after'), '30');
  assert.equal(upstream.requests.length, 1);
});

test('a single key at 429 is waited for and then used again', async () => {
  await using upstream = await startUpstream();
  upstream.reply(failed(429, { 'retry-after-ms': '120' }), said());
  await using gateway = await startPooled(
    { openai: { upstream, options: keys({ a: 1 }) } },
    { 'plugins/retries': quick },
  );
  const started = performance.now();
  assert.equal((await chat(gateway)).status, 200);
  assert.ok(performance.now() - started >= 115);
});

test('other keys are tried at once, whatever the retry count', async () => {
  await using upstream = await startUpstream();
  upstream.always((request) => (keyOf(request) === 'good' ? said() : failed(429)));
  await using gateway = await startPooled(
    { openai: { upstream, options: keys({ a: 1000, b: 1000, c: 1000, good: 0 }) } },
    { 'plugins/retries': { ...quick, retries: 0, initialMs: 5_000 } },
  );
  const started = performance.now();
  const reply = await chat(gateway);
  assert.equal(reply.headers.get('x-bf-key'), 'good');
  assert.ok(performance.now() - started < 1_000);
  assert.equal(upstream.requests.length, 4);
});

test('a provider may have rules of its own', async () => {
  await using upstream = await startUpstream();
  await using other = await startUpstream();
  upstream.always(failed(500));
  other.always(failed(418));
  await using gateway = await startPooled(
    { openai: upstream, other },
    { 'plugins/retries': { ...quick, retries: 1, providers: { other: { retries: 3, statuses: [418] } } } },
  );
  await chat(gateway);
  await chat(gateway, { model: 'other/m' });
  assert.equal(upstream.requests.length, 2);
  assert.equal(other.requests.length, 4);
});

test('retries stay a share of the calls when everything fails', async () => {
  await using upstream = await startUpstream();
  upstream.always(failed(500));
  await using gateway = await startPooled(
    { openai: upstream },
    { 'plugins/retries': { initialMs: 0, maxMs: 0, retries: 2, budget: 0.1 } },
  );
  for (let i = 0; i < 100; i++) await chat(gateway);
  const retries = upstream.requests.length - 100;
  assert.ok(retries >= 10 && retries <= 22, String(retries));
});

test('a budget of 1 never runs out', () => {
  const budget = new RetryBudget(1);
  for (let i = 0; i < 100; i++) budget.spend();
  assert.equal(budget.isLeft, true);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FakeClock, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { FairQueue } from '../../plugins/concurrency/fair-queue.ts';
import { chat, failed, keys, said, startPooled } from './pooled-gateway.ts';

test('callers take turns, however many calls each has waiting', async () => {
  const queue = new FairQueue('p', { concurrent: 1, queue: 100, queueMs: 1_000 }, new FakeClock());
  const entered: string[] = [];
  const first = queue.enter('a', true);
  const wait = (caller: string) => {
    const place = queue.enter(caller, true);
    void place.entered!.then(() => {
      entered.push(caller);
      place.leave();
    });
  };
  for (let i = 0; i < 5; i++) wait('a');
  wait('b');
  wait('c');
  wait('c');
  first.leave();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(entered, ['a', 'b', 'c', 'a', 'c', 'a', 'a', 'a']);
  assert.equal(queue.isIdle, true);
});

test('a full queue, a wait that is too long and one that is given up each leave nothing behind', async () => {
  const clock = new FakeClock();
  const queue = new FairQueue('p', { concurrent: 1, queue: 1, queueMs: 1_000 }, clock);
  const first = queue.enter('a', true);
  const second = queue.enter('a', true);
  assert.throws(() => queue.enter('b', true), { code: 'LIMIT_QUEUE' });
  clock.advance(1_000);
  await assert.rejects(second.entered!, { code: 'LIMIT_QUEUE_TIME' });
  const third = queue.enter('a', true);
  third.leave();
  third.leave();
  assert.throws(() => queue.enter('b', false), { code: 'LIMIT_QUEUE' }, 'one that may not wait');
  first.leave();
  first.leave();
  assert.equal(queue.isIdle, true);
  assert.equal(queue.enter('b', false).entered, undefined);
});

test('no more calls than allowed run at a provider, and the rest wait', async () => {
  await using upstream = await startUpstream();
  let running = 0;
  let most = 0;
  upstream.always(async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 10));
    running -= 1;
    return said();
  });
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/concurrency': { concurrent: 3 } });
  const replies = await Promise.all(Array.from({ length: 30 }, () => chat(gateway)));
  assert.ok(replies.every(({ status }) => status === 200));
  assert.equal(most, 3);
});

test('a full queue is 429 and a wait that is too long is 503', async () => {
  await using upstream = await startUpstream();
  upstream.always({ ...said(), delayMs: 300 });
  await using gateway = await startPooled(
    { openai: upstream },
    { 'plugins/concurrency': { concurrent: 1, queue: 1, queueMs: 80 } },
  );
  const replies = await Promise.all([chat(gateway), chat(gateway), chat(gateway)]);
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 429, 503]);
  assert.deepEqual(
    new Set(replies.map(({ json }) => json.error?.code)),
    new Set([undefined, 'queue_full', 'queue_timeout']),
  );
  assert.equal((await chat(gateway)).status, 200, 'the places are free again');
});

test('a call without a place goes to its fallback', async () => {
  await using upstream = await startUpstream();
  await using second = await startUpstream();
  const { promise: after, resolve: release } = Promise.withResolvers<void>();
  upstream.always({ ...said(), after });
  second.always({ ...said(), after });
  await using gateway = await startPooled(
    { openai: upstream, second },
    { 'plugins/fallbacks': {}, 'plugins/concurrency': { providers: { openai: { concurrent: 1, queue: 0 } } } },
  );
  const calls = [chat(gateway, { fallbacks: ['second/m'] }), chat(gateway, { fallbacks: ['second/m'] })];
  while (upstream.requests.length + second.requests.length < 2) await sleep(5);
  release();
  const replies = await Promise.all(calls);
  assert.deepEqual(replies.map(({ headers }) => headers.get('x-bf-provider')).sort(), ['openai', 'second']);
});

test('each key has places of its own, freed also by calls that fail', async () => {
  await using upstream = await startUpstream();
  upstream.always(failed(500));
  await using gateway = await startPooled(
    { openai: { upstream, options: keys({ a: 1, b: 1 }) } },
    { 'plugins/concurrency': { perKey: 1, queue: 0 } },
  );
  for (let i = 0; i < 20; i++) assert.equal((await chat(gateway)).status, 500);
  const { promise: after, resolve: release } = Promise.withResolvers<void>();
  upstream.always({ ...said(), after });
  const pinned = (key: string) => chat(gateway, {}, { 'x-bf-api-key': key });
  const calls = [pinned('a'), pinned('b'), pinned('a')];
  await Promise.race(calls);
  release();
  const replies = await Promise.all(calls);
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 200, 429]);
});

test('a stream keeps its place until its end', async () => {
  await using upstream = await startUpstream();
  upstream.always({ events: [{ choices: [{ index: 0, delta: { content: 'x' } }] }], fault: 'stall' });
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/concurrency': { concurrent: 1, queue: 0 } });
  const body = JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] });
  const abort = new AbortController();
  await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal: abort.signal,
  });
  assert.equal((await chat(gateway)).status, 429);
  abort.abort();
  await upstream.requests[0]!.closed;
  upstream.always(said());
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await chat(gateway)).status, 200);
});

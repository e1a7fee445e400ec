import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { definePlugin, type Outcome } from '../../plugin-sdk/index.ts';
import { startUpstream } from '../../plugin-sdk/testing/index.ts';
import { Latencies } from '../../plugins/hedging/latencies.ts';
import { chat, doneEvent, failed, finishEvent, roleEvent, said, startPooled, textEvent } from './pooled-gateway.ts';

function watcher(outcomes: Outcome[]) {
  return definePlugin({
    name: 'watcher',
    options: z.strictObject({}),
    setup: () => ({ hooks: { postLog: (_exchange, outcome) => void outcomes.push(outcome) } }),
  }) as never;
}

test('on a bimodal upstream hedging brings p99 under 120 ms for under 8 % more calls', async (t) => {
  await using upstream = await startUpstream();
  let slowShare = 0.05;
  upstream.always(() => ({ ...said(), delayMs: Math.random() < slowShare ? 500 : 20 }));
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/hedging': {} });
  const ask = async (): Promise<number> => {
    const started = performance.now();
    assert.equal((await chat(gateway)).status, 200);
    return performance.now() - started;
  };
  const round = async (calls: number): Promise<{ p99: number; more: number }> => {
    const before = upstream.requests.length;
    const latencies: number[] = [];
    while (latencies.length < calls) latencies.push(...(await Promise.all([ask(), ask(), ask(), ask(), ask()])));
    const p99 = latencies.sort((a, b) => a - b)[Math.floor(calls * 0.99)]!;
    return { p99, more: (upstream.requests.length - before) / calls - 1 };
  };
  await round(60);
  let result = await round(600);
  for (let i = 0; i < 2 && result.p99 >= 120; i++) result = await round(600);
  if (result.p99 >= 120) {
    // Without a slow mode a call takes little over 20 ms, unless the machine has other things to do.
    slowShare = 0;
    const { p99 } = await round(200);
    if (p99 > 60)
      return t.skip(`this machine is too busy to measure latencies: p99 is ${Math.round(p99)} ms without a slow mode`);
  }
  assert.ok(result.p99 < 120, `p99 ${result.p99} ms`);
  assert.ok(result.more < 0.08, `${result.more * 100} % more calls`);
});

test('the loser is cancelled at once and recorded as abandoned', async () => {
  const outcomes: Outcome[] = [];
  await using upstream = await startUpstream();
  upstream.always({ ...said(), delayMs: 5 });
  await using gateway = await startPooled(
    { openai: upstream },
    { 'plugins/hedging': { samples: 5 }, watcher: {} },
    { definitions: { watcher: watcher(outcomes) } },
  );
  for (let i = 0; i < 8; i++) await chat(gateway);
  upstream.reply({ ...said('slow'), delayMs: 2_000 }, said('quick'));
  const reply = await chat(gateway);
  assert.equal(reply.json.choices[0].message.content, 'quick');
  await upstream.requests.at(-2)!.closed;
  assert.deepEqual(
    outcomes.at(-1)!.attempts.map(({ number, result }) => [number, result]),
    [
      [1, 'abandoned'],
      [2, 'ok'],
    ],
  );
  assert.equal(reply.headers.get('x-bf-attempts'), 'openai/gpt-4o: abandoned');
});

test('the first content of a stream wins, not its first event', async () => {
  await using upstream = await startUpstream();
  const quick = { events: [roleEvent, textEvent('quick'), finishEvent, doneEvent] };
  upstream.always(quick);
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/hedging': { samples: 5 } });
  for (let i = 0; i < 8; i++) await chat(gateway, { stream: true });
  upstream.reply({ events: [roleEvent], fault: 'stall' }, quick);
  const reply = await chat(gateway, { stream: true });
  assert.equal(reply.text.match(/"role"/g)!.length, 1);
  assert.match(reply.text, /quick[\s\S]*\[DONE\]/);
  await upstream.requests.at(-2)!.closed;
});

test('a first attempt that fails while its hedge runs is made up for by the hedge', async () => {
  await using upstream = await startUpstream();
  upstream.always(said());
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/hedging': { samples: 5 } });
  for (let i = 0; i < 8; i++) await chat(gateway);
  upstream.reply({ ...failed(500), delayMs: 100 }, { ...said('hedge'), delayMs: 200 });
  assert.equal((await chat(gateway)).json.choices[0].message.content, 'hedge');
});

test('when both fail the first failure is shown', async () => {
  await using upstream = await startUpstream();
  upstream.always(said());
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/hedging': { samples: 5 } });
  for (let i = 0; i < 8; i++) await chat(gateway);
  upstream.reply({ ...failed(500, {}, 'first'), delayMs: 100 }, { ...failed(500, {}, 'hedge') });
  const reply = await chat(gateway);
  assert.equal(reply.json.error.code, 'first');
});

test('hedges stay within their share of the calls', async () => {
  await using upstream = await startUpstream();
  upstream.always(said());
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/hedging': { samples: 5, share: 0.05 } });
  for (let i = 0; i < 20; i++) await chat(gateway);
  upstream.always({ ...said(), delayMs: 60 });
  const before = upstream.requests.length;
  await Promise.all(Array.from({ length: 60 }, () => chat(gateway)));
  const hedges = upstream.requests.length - before - 60;
  assert.ok(hedges >= 1 && hedges <= 13, String(hedges));
});

test('a slow mode does not hide itself, and ordinary spread is not slow', () => {
  const bimodal = new Latencies(0.95);
  for (let i = 0; i < 256; i++) bimodal.add(i % 10 === 0 ? 500 : 20);
  assert.equal(bimodal.slow, 50);
  const even = new Latencies(0.95);
  for (let i = 0; i < 256; i++) even.add(20 + (i % 3));
  assert.equal(even.slow, 31.5);
});

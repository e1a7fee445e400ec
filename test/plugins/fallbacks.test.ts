import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { definePlugin, fallbacksSlot } from '../../plugin-sdk/index.ts';
import { startUpstream } from '../../plugin-sdk/testing/index.ts';
import { chat, failed, said, startPooled } from './pooled-gateway.ts';

async function startPair(plugins: Record<string, unknown> = { 'plugins/fallbacks': {} }, more = {}) {
  const first = await startUpstream();
  const second = await startUpstream();
  first.always(failed(500));
  second.always(said('second'));
  const gateway = await startPooled({ openai: first, second }, plugins, more);
  return {
    first,
    second,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await first.close();
      await second.close();
    },
  };
}

test('the fallbacks of the body are tried in order and never sent', async () => {
  await using pair = await startPair();
  const { first, second, gateway } = pair;
  const reply = await chat(gateway, { fallbacks: ['openai/gpt-4o-mini', 'second/llama', 'second/never'] });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get('x-bf-model'), 'llama');
  assert.deepEqual(
    first.requests.map(({ json }) => (json as { model: string }).model),
    ['gpt-4o', 'gpt-4o-mini'],
  );
  for (const { body } of [...first.requests, ...second.requests]) assert.equal(body.includes('fallbacks'), false);
});

test('taking them out leaves every other byte of the body as it was', async () => {
  await using pair = await startPair();
  pair.first.always(said());
  const sent =
    '{ "messages" : [ {"role":"user","content":"\\u00e9 fallbacks"} ],  "fallbacks":["second/x"] , "model":"gpt-4o","x_unknown": 1.0 }';
  const response = await fetch(`${pair.gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: sent,
  });
  assert.equal(response.status, 200);
  assert.equal(pair.first.requests[0]!.body.toString(), sent.replace('"fallbacks":["second/x"] , ', ''));
});

test('objects with provider and model are understood', async () => {
  await using pair = await startPair();
  assert.equal(
    (await chat(pair.gateway, { fallbacks: [{ provider: 'second', model: 'm' }] })).headers.get('x-bf-model'),
    'm',
  );
});

for (const [fallbacks, param] of [
  ['second/x', 'fallbacks'],
  [[7], 'fallbacks[0]'],
  [['second/x', 'nowhere/x'], 'fallbacks[1]'],
  [['plain'], 'fallbacks[0]'],
] as const) {
  test(`${JSON.stringify(fallbacks)} is refused with its place`, async () => {
    await using pair = await startPair();
    const reply = await chat(pair.gateway, { fallbacks });
    assert.equal(reply.status, 400);
    assert.equal(reply.json.error.param, param);
    assert.equal(pair.first.requests.length, 0);
  });
}

test('rules of the config name fallbacks by provider and model', async () => {
  await using pair = await startPair({
    'plugins/fallbacks': { rules: [{ provider: 'openai', models: ['gpt-*'], fallbacks: ['second/*'] }] },
  });
  const reply = await chat(pair.gateway);
  assert.equal(reply.headers.get('x-bf-provider'), 'second');
  assert.equal(reply.headers.get('x-bf-model'), 'gpt-4o');
  assert.equal((await chat(pair.gateway, { model: 'o3' })).status, 500);
});

test("the caller's grant names fallbacks, and the body's go before them", async () => {
  const granting = definePlugin({
    name: 'granting',
    options: z.strictObject({}),
    setup: () => ({ hooks: { preRoute: (exchange) => exchange.set(fallbacksSlot, ['second/granted']) } }),
  });
  await using pair = await startPair(
    { granting: {}, 'plugins/fallbacks': {} },
    { definitions: { granting: granting as never } },
  );
  assert.equal((await chat(pair.gateway)).headers.get('x-bf-model'), 'granted');
  assert.equal((await chat(pair.gateway, { fallbacks: ['second/asked'] })).headers.get('x-bf-model'), 'asked');
});

test('a config may keep callers from naming any', async () => {
  await using pair = await startPair({ 'plugins/fallbacks': { fromBody: false } });
  assert.equal((await chat(pair.gateway, { fallbacks: ['second/m'] })).status, 500);
  assert.equal(pair.first.requests[0]!.body.includes('fallbacks'), false);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { type Decision, definePlugin } from '../../plugin-sdk/index.ts';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { call, outputOf, quota, startGoverned, testPrices, used } from './governed-gateway.ts';

const key = 'sk-bf-unlimited-0123456789';
const vk = { 'x-bf-vk': key };
const unlimited = { model: 'sized', max_tokens: undefined };
const virtualKey = (more: object) => ({ virtualKeys: [{ id: 'one', value: key, ...more }] });
const budget = (limit: number) => virtualKey({ budgets: [{ limit, period: '1d' }] });

const limitOf = (request: { readonly json: unknown } | undefined) =>
  (request?.json as { max_completion_tokens?: number } | undefined)?.max_completion_tokens;

test('sends a call without a limit as it is, and reserves all that its model can give, while the budget is large', async () => {
  await using upstream = await startUpstream();
  let reserved = 0;
  await using gateway = await startGoverned(upstream, { governance: budget(10) });
  upstream.always(async () => {
    reserved = (await quota(gateway, key)).accounts[0]!.reserved;
    return used(100, 50);
  });
  assert.equal((await call(gateway, vk, unlimited)).status, 200);
  assert.equal(limitOf(upstream.requests[0]), undefined);
  assert.ok(reserved >= 0.08 && reserved < 0.081, `${reserved}`);
});

test('states a limit that is paid for when the budget is short, and says so', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  const decisions: Decision[] = [];
  const watch = definePlugin({
    name: 'test/watch',
    options: z.strictObject({}),
    setup: () => ({ hooks: { postLog: (_, outcome) => void decisions.push(...outcome.decisions) } }),
  });
  await using gateway = await startGoverned(upstream, {
    governance: budget(0.02),
    definitions: { 'test/watch': watch as never },
    plugins: { 'test/watch': {} } as never,
  });
  assert.equal((await call(gateway, vk, unlimited)).status, 200);
  const limit = limitOf(upstream.requests[0])!;
  assert.ok(limit > 900 && limit < 1_000, `${limit}`);
  const noted = decisions.find(({ what }) => what === 'limited the output');
  assert.deepEqual(noted?.details, { tokens: limit });
});

test('refuses what does not fit whole where the operator prefers that', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  await using gateway = await startGoverned(upstream, {
    governance: { ...budget(0.02), estimates: { whenShort: 'refuse' } },
  });
  assert.equal((await call(gateway, vk, unlimited)).status, 402);
  assert.equal((await call(gateway, vk, { ...unlimited, max_tokens: 100 })).status, 200);
  assert.equal(limitOf(upstream.requests[0]), undefined);
});

test('shares a limit on tokens of the provider in the same way', async () => {
  await using upstream = await startUpstream();
  upstream.always(({ json }) => used(100, outputOf(json, 0.5)));
  await using gateway = await startGoverned(upstream, {
    governance: {
      ...virtualKey({}),
      limits: [{ id: 'tpm', provider: 'openai', rateLimits: [{ tokens: 5_000, period: '1h' }] }],
    },
  });
  assert.equal((await call(gateway, vk, unlimited)).status, 200);
  assert.ok(limitOf(upstream.requests[0])! <= 2_500, `${limitOf(upstream.requests[0])}`);
});

const passthroughs = [
  {
    path: '/openai_passthrough/v1/chat/completions',
    plugins: { 'routes/openai-passthrough': {} },
    provider: 'openai',
    body: { model: 'sized', messages: [] },
    reply: used(100, 50).json,
    stated: (json: Json) => json['max_completion_tokens'],
  },
  {
    path: '/openai_passthrough/v1/responses',
    plugins: { 'routes/openai-passthrough': {} },
    provider: 'openai',
    body: { model: 'sized', input: 'hi' },
    reply: {
      id: 'r',
      object: 'response',
      status: 'completed',
      output: [],
      usage: { input_tokens: 100, output_tokens: 50 },
    },
    stated: (json: Json) => json['max_output_tokens'],
  },
  {
    path: '/genai_passthrough/v1beta/models/sized:generateContent',
    plugins: { 'routes/genai-passthrough': {} },
    provider: 'gemini',
    body: { contents: [], generationConfig: { temperature: 0 } },
    reply: { candidates: [], usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 50 } },
    stated: (json: Json) => (json['generationConfig'] as Json)['maxOutputTokens'],
  },
];

type Json = Record<string, unknown>;

for (const { path, plugins, provider, body, reply, stated } of passthroughs) {
  test(`limits a call that passes through, in its own words: ${path}`, async () => {
    await using upstream = await startUpstream();
    upstream.always({ json: reply });
    await using gateway = await startGateway({
      plugins: {
        ...plugins,
        [`providers/${provider}`]: upstream.provider(),
        'plugins/pricing': testPrices,
        'plugins/governance': budget(0.02),
      } as never,
    });
    const answer = await call(
      gateway,
      vk,
      { model: undefined, max_tokens: undefined, messages: undefined, ...body },
      path,
    );
    assert.equal(answer.status, 200, answer.text);
    const { json } = upstream.requests[0]!;
    const limit = stated(json as Json) as number;
    assert.ok(limit > 900 && limit < 1_000, `${limit}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await quota(gateway, key)).accounts[0]!.used, 0.0006);
  });
}

test('limits each of several answers to its part', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  await using gateway = await startGoverned(upstream, { governance: budget(0.02) });
  assert.equal((await call(gateway, vk, { ...unlimited, n: 3 })).status, 200);
  const limit = limitOf(upstream.requests[0])!;
  assert.ok(limit > 300 && limit < 334, `${limit}`);
});

test('never spends more than the budget on calls without a limit, whatever they use', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 400 }),
      fc.array(fc.record({ percent: fc.nat(100), delayMs: fc.nat(8) }), {
        minLength: 1,
        maxLength: 40,
      }),
      async (milliUsd, calls) => {
        await using upstream = await startUpstream();
        let billed = 0;
        upstream.always(({ json }) => {
          const { percent, delayMs } = calls[upstream.requests.length % calls.length]!;
          const output = outputOf(json, percent / 100);
          billed += 20 * 1_000 + output * 10_000;
          return { ...used(20, output), delayMs };
        });
        await using gateway = await startGoverned(upstream, { governance: budget(milliUsd / 1_000) });
        const answers = await Promise.all(calls.map(() => call(gateway, vk, unlimited)));
        await new Promise((resolve) => setTimeout(resolve, 20));
        assert.ok(answers.every(({ status }) => status === 200 || status === 402));
        assert.ok(billed <= milliUsd * 1e6, `${billed} of ${milliUsd * 1e6}`);
        const [account] = (await quota(gateway, key)).accounts;
        assert.deepEqual([Math.round(account!.used * 1e9), account!.reserved], [billed, 0]);
        // A small budget still serves a caller who states no limit.
        if (milliUsd >= 3) assert.ok(answers.some(({ status }) => status === 200));
      },
    ),
    { numRuns: 12 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';
import { testPrices, used } from './governed-gateway.ts';

const key = 'sk-bf-for-the-sdk-0123456789';

function start(upstream: Upstream, virtualKey: object = {}): Promise<RunningGateway> {
  return startGateway({
    plugins: {
      'routes/openai': {},
      'providers/openai': upstream.provider(),
      'plugins/pricing': testPrices,
      'plugins/governance': { required: true, virtualKeys: [{ id: 'sdk', value: key, ...virtualKey }] },
    } as never,
  });
}

const openai = (gateway: RunningGateway, options: object) =>
  new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'dummy-key', maxRetries: 2, ...options });

const ask = { model: 'priced', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hi' }] };

test('serves the OpenAI SDK with the virtual key in its default headers, or as its API key', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  await using gateway = await start(upstream);
  for (const options of [{ defaultHeaders: { 'x-bf-vk': key } }, { apiKey: key }]) {
    const answer = await openai(gateway, options).chat.completions.create(ask);
    assert.equal(answer.choices[0]!.message.content, 'hi');
  }
});

test('gives the OpenAI SDK errors of the right class, and none that it repeats in vain', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(100, 50));
  await using gateway = await start(upstream, {
    providers: ['openai'],
    models: ['priced'],
    rateLimits: [{ requests: 1, period: '1h' }],
  });
  await assert.rejects(openai(gateway, {}).chat.completions.create(ask), OpenAI.AuthenticationError);
  await assert.rejects(
    openai(gateway, { defaultHeaders: { 'x-bf-vk': 'wrong' } }).chat.completions.create(ask),
    OpenAI.AuthenticationError,
  );
  const client = openai(gateway, { defaultHeaders: { 'x-bf-vk': key } });
  await assert.rejects(client.chat.completions.create({ ...ask, model: 'dear' }), (error: unknown) => {
    assert.ok(error instanceof OpenAI.PermissionDeniedError);
    assert.equal(error.type, 'model_blocked');
    return true;
  });
  await client.chat.completions.create(ask);
  const started = performance.now();
  await assert.rejects(client.chat.completions.create(ask), (error: unknown) => {
    assert.ok(error instanceof OpenAI.RateLimitError);
    assert.equal(error.type, 'request_limited');
    return true;
  });
  assert.ok(performance.now() - started < 400, 'the SDK does not try again');
  assert.equal(upstream.requests.length, 1);
});

test('shows only the models that the virtual key may use', async () => {
  await using upstream = await startUpstream();
  upstream.always({
    json: {
      object: 'list',
      data: ['priced', 'dear'].map((id) => ({ id, object: 'model', created: 1, owned_by: 'x' })),
    },
  });
  await using gateway = await start(upstream, { models: ['priced'] });
  const page = await openai(gateway, { defaultHeaders: { 'x-bf-vk': key } }).models.list();
  const ids = page.data.map(({ id }) => id.replace(/^.*\//, ''));
  assert.deepEqual(ids, ['priced']);
});

test('streams to the OpenAI SDK without a chunk that it did not ask for', async () => {
  await using upstream = await startUpstream();
  const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'priced' };
  upstream.always({
    events: [
      { ...chunk, choices: [{ index: 0, delta: { role: 'assistant', content: 'hel' }, finish_reason: null }] },
      { ...chunk, choices: [{ index: 0, delta: { content: 'lo' }, finish_reason: null }] },
      { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...chunk, choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } },
      'data: [DONE]\n\n',
    ],
  });
  await using gateway = await start(upstream, { budgets: [{ limit: 1, period: '1d' }] });
  const stream = await openai(gateway, { defaultHeaders: { 'x-bf-vk': key } }).chat.completions.create({
    ...ask,
    stream: true,
  });
  let text = '';
  for await (const { choices } of stream) text += choices[0]!.delta.content ?? '';
  assert.equal(text, 'hello');
});

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'priced',
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 100, output_tokens: 50 },
};

const askClaude = { model: 'priced', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hi' }] };

const anthropic = (gateway: RunningGateway, options: object) =>
  new Anthropic({ baseURL: `${gateway.url}/anthropic_passthrough`, apiKey: null, maxRetries: 0, ...options });

function startAnthropic(upstream: Upstream): Promise<RunningGateway> {
  return startGateway({
    plugins: {
      'routes/anthropic-passthrough': {},
      'providers/anthropic': upstream.provider(),
      'plugins/pricing': testPrices,
      'plugins/governance': {
        required: true,
        virtualKeys: [{ id: 'sdk', value: key, budgets: [{ limit: 0.0025, period: '1d' }] }],
      },
    } as never,
  });
}

test('serves the Anthropic SDK with the virtual key as its API key, its token or a header, until the budget is used', async () => {
  await using upstream = await startUpstream();
  upstream.always({ json: message });
  await using gateway = await startAnthropic(upstream);
  const headers = { apiKey: 'sk-ant-own', defaultHeaders: { 'x-bf-vk': key } };
  for (const options of [{ apiKey: key }, { authToken: key }, headers]) {
    const answer = await anthropic(gateway, options).messages.create(askClaude);
    assert.equal(answer.content[0]!.type, 'text');
  }
  await assert.rejects(anthropic(gateway, headers).messages.create(askClaude), (error: unknown) => {
    assert.ok(error instanceof Anthropic.APIError);
    assert.deepEqual([error.status, error.headers?.get('x-should-retry')], [402, 'false']);
    return true;
  });
  assert.equal(upstream.requests.length, 3);
  for (const sent of upstream.requests) assert.ok(!JSON.stringify(sent.headers).includes(key));
});

test('serves no Anthropic SDK that brings no virtual key', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startAnthropic(upstream);
  for (const options of [{ apiKey: 'sk-ant-own' }, { apiKey: 'sk-bf-wrong' }]) {
    await assert.rejects(anthropic(gateway, options).messages.create(askClaude), Anthropic.AuthenticationError);
  }
  assert.equal(upstream.requests.length, 0);
});

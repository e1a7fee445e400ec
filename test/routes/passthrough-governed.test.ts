import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type PassthroughGateway, passthroughGateway, rawCall } from './passthrough-gateway.ts';

const json = { 'content-type': 'application/json' };
const chat = '/openai_passthrough/v1/chat/completions';
const key = 'sk-bf-test-virtual-key';
const body = '{"model":"priced",  "messages":[{"role":"user","content":"hi"}],"max_tokens":100}';
const completion = `{"id":"c","object":"chat.completion","model":"priced","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}], "usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150} }`;

let gateway: PassthroughGateway;

beforeEach(async () => {
  gateway = await passthroughGateway({
    plugins: {
      'plugins/pricing': { book: false, overrides: [{ model: 'priced*', input: 1, output: 10 }] },
      'plugins/records': { content: { default: true } },
      'plugins/governance': {
        required: true,
        virtualKeys: [
          {
            id: 'vk',
            name: 'vk',
            value: key,
            providers: [{ provider: 'openai', models: ['priced', 'other'] }, { provider: 'gemini' }],
            budgets: [{ limit: 1, period: '1d' }],
            rateLimits: [{ requests: 3, period: '1h' }],
          },
        ],
      },
    } as never,
  });
  gateway.upstreams.openai.always({ body: completion, headers: json });
});

afterEach(() => gateway?.close());

const post = (path: string, headers: Record<string, string>, content: Buffer | string = body) =>
  rawCall(gateway, path, { method: 'POST', headers: { ...json, ...headers }, body: content });

test('lets nobody through without a virtual key, and the key no further', async () => {
  const refused = await post(chat, {});
  assert.equal(refused.status, 401);
  assert.equal(gateway.upstreams.openai.requests.length, 0);
  for (const headers of [{ authorization: `Bearer ${key}` }, { 'x-api-key': key }, { 'x-bf-vk': key }] as Record<
    string,
    string
  >[]) {
    const reply = await post(chat, headers);
    assert.equal(reply.status, 200);
    assert.equal(reply.body.toString(), completion);
    const seen = gateway.upstreams.openai.requests.at(-1)!;
    assert.equal(seen.body.toString(), body);
    assert.ok(!JSON.stringify(seen.rawHeaders).includes('sk-bf'));
  }
});

test('holds a caller to its rate limit, models and providers', async () => {
  const vk = { 'x-bf-vk': key };
  assert.equal((await post(chat, vk, '{"model":"forbidden"}')).status, 403);
  assert.equal((await post('/anthropic_passthrough/v1/messages', vk, '{"model":"claude"}')).status, 403);
  // A compressed body hides no model.
  const packed = gzipSync('{"model":"forbidden"}');
  assert.equal((await post(chat, { ...vk, 'content-encoding': 'gzip' }, packed)).status, 403);
  let status = 0;
  for (let calls = 0; calls < 6 && status !== 429; calls++) ({ status } = await post(chat, vk));
  assert.equal(status, 429);
});

test('knows a caller by the key in a query, which goes no further', async () => {
  gateway.upstreams.gemini.reply({ body: '{"candidates":[],"usageMetadata":{"promptTokenCount":1}}', headers: json });
  const reply = await post(`/genai_passthrough/v1beta/models/priced:generateContent?key=${key}&alt=json`, {}, '{}');
  assert.equal(reply.status, 200);
  assert.equal(gateway.upstreams.gemini.requests.at(-1)?.url, '/v1beta/models/priced:generateContent?alt=json');
});

test('keeps a stream exact while its content is recorded', async () => {
  const event = (delta: object, more: object = {}) =>
    `data:  ${JSON.stringify({ odd: 1, choices: [{ delta, index: 0 }], ...more })}\r\n\r\n`;
  const chunks = [
    ': comment\n\n',
    event({ role: 'assistant', content: 'a' }),
    event({ content: 'b' }),
    event(
      {},
      {
        choices: [{ delta: {}, index: 0, finish_reason: 'stop' }],
        usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
      },
    ),
    'data: [DONE]\n\n',
  ];
  gateway.upstreams.openai.reply({ chunks, headers: { 'content-type': 'text/event-stream' } });
  const ended = gateway.next();
  const asked = body.replace('{', '{"stream":true, ');
  const reply = await post(chat, { 'x-bf-vk': key }, asked);
  assert.equal(reply.body.toString(), chunks.join(''));
  assert.equal(gateway.upstreams.openai.requests.at(-1)?.body.toString(), asked);
  assert.equal((await ended).outcome.usage?.output, 50);
});

test('charges what the provider says was used, plain, compressed or streamed', async () => {
  const vk = { 'x-bf-vk': key, 'accept-encoding': 'gzip' };
  const streamed = `data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\ndata: {"choices":[],"usage":${JSON.stringify({ prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 })}}\n\ndata: [DONE]\n\n`;
  const { openai } = gateway.upstreams;
  openai.reply(
    { body: completion, headers: json },
    { body: gzipSync(completion), headers: { ...json, 'content-encoding': 'gzip' } },
    { chunks: [gzipSync(streamed)], headers: { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' } },
  );
  const ended = gateway.next(3);
  for (let calls = 0; calls < 3; calls++) assert.equal((await post(chat, vk)).status, 200);
  await ended;
  const quota = await rawCall(gateway, '/api/quota', { headers: { 'x-bf-vk': key } });
  const { accounts } = JSON.parse(quota.body.toString()) as { accounts: { unit: string; used: number }[] };
  // 100 × 1 + 50 × 10 USD per million tokens, three times.
  assert.ok(Math.abs(accounts.find(({ unit }) => unit === 'usd')!.used - 0.0018) < 1e-9, quota.body.toString());
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AzureOpenAI } from 'openai';
import { AzureOpenAI as AzureOpenAI6 } from 'openai-6';
import { type SeenRequest, startGateway } from '../../plugin-sdk/testing/index.ts';
import { type PassthroughGateway, passthroughGateway, rawCall } from './passthrough-gateway.ts';

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'hello back', refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
  prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }],
};
const messages = [{ role: 'user' as const, content: 'hello from azure passthrough' }];
const json = { 'content-type': 'application/json' };

let gateway: PassthroughGateway;

before(async () => {
  gateway = await passthroughGateway();
  gateway.upstreams.azure.always({ json: completion });
});

after(() => gateway?.close());

const last = (): SeenRequest => gateway.upstreams.azure.requests.at(-1) as SeenRequest;

for (const [name, Client] of [
  ['openai 7', AzureOpenAI],
  ['openai 6', AzureOpenAI6 as unknown as typeof AzureOpenAI],
] as const) {
  for (const endpoint of ['/azure_passthrough', '/azure_passthrough/openai']) {
    test(`serves the sample of the documentation with AzureOpenAI of ${name} at ${endpoint}`, async () => {
      const client = new Client({
        endpoint: gateway.url + endpoint,
        apiKey: 'dummy-key',
        apiVersion: '2024-10-21',
        maxRetries: 0,
      });
      const ended = gateway.next();
      const response = await client.chat.completions.create({ model: 'gpt-4o', messages });
      assert.equal(response.choices[0]?.message.content, 'hello back');
      assert.equal(last().url, '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21');
      assert.equal(last().headers['api-key'], 'sk-upstream');
      assert.equal(last().headers.authorization, undefined);
      const { exchange, outcome } = await ended;
      assert.equal(exchange.targets[0]?.model, 'gpt-4o');
      assert.equal(outcome.usage?.output, 3);
    });
  }
}

test('never lets the authentication of a client through', async () => {
  for (const headers of [
    { authorization: 'Bearer theirs' },
    { 'api-key': 'theirs' },
    { 'x-api-key': 'theirs' },
    { 'ocp-apim-subscription-key': 'theirs' },
  ]) {
    await rawCall(gateway, '/azure_passthrough/openai/deployments/d/embeddings', {
      method: 'POST',
      headers: { ...json, ...headers },
      body: '{}',
    });
    assert.ok(!JSON.stringify(last().rawHeaders).includes('theirs'));
    assert.equal(last().headers['api-key'], 'sk-upstream');
  }
});

test('puts a missing api-version where the path needs one and leaves the rest alone', async () => {
  const rows: [sent: string, seen: string][] = [
    ['/openai/deployments/d/chat/completions', '/openai/deployments/d/chat/completions?api-version=2025-04-01-preview'],
    [
      '/openai/deployments/d/chat/completions?a=1&b',
      '/openai/deployments/d/chat/completions?a=1&b&api-version=2025-04-01-preview',
    ],
    [
      '/openai/deployments/d/embeddings?a=1&api-version=2024-10-21&b=2',
      '/openai/deployments/d/embeddings?a=1&api-version=2024-10-21&b=2',
    ],
    ['/openai/deployments/d/embeddings?api-version=', '/openai/deployments/d/embeddings?api-version='],
    ['/openai/responses', '/openai/v1/responses'],
    ['/openai/responses/resp_1?x=1', '/openai/v1/responses/resp_1?x=1'],
    ['/openai/v1/responses?api-version=latest', '/openai/v1/responses?api-version=latest'],
    ['/openai/videos?api-version=2024-10-21', '/openai/v1/videos'],
    ['/openai/v1/videos/v1/content?variant=video&api-version=x', '/openai/v1/videos/v1/content?variant=video'],
    ['/anthropic/v1/messages?api-version=x&beta=true', '/anthropic/v1/messages?beta=true'],
    ['/openai/v1/chat/completions', '/openai/v1/chat/completions'],
    ['/openai/v1/embeddings?z=1', '/openai/v1/embeddings?z=1'],
    ['/openai/files?api-version=2024-10-21', '/openai/files?api-version=2024-10-21'],
    ['/openai/responsesx', '/openai/responsesx'],
  ];
  for (const [sent, seen] of rows) {
    await rawCall(gateway, `/azure_passthrough${sent}`, { method: 'POST', headers: json, body: '{}' });
    assert.equal(last().url, seen, sent);
  }
});

test("takes the key's own api-version before the default", async () => {
  const { azure } = gateway.upstreams;
  await using own = await passthroughGateway({
    plugins: {
      'providers/azure': { keys: [{ name: 'a', value: 'k', endpoint: azure.url, apiVersion: '2024-06-01' }] },
      'plugins/azure-api-version': { deployments: '2023-05-15', responses: 'preview' },
    },
  });
  const path = '/azure_passthrough/openai/deployments/d/chat/completions';
  await rawCall(own, path, { method: 'POST', headers: json, body: '{}' });
  assert.equal(last().url, '/openai/deployments/d/chat/completions?api-version=2024-06-01');
  await rawCall(own, '/azure_passthrough/openai/responses', { method: 'POST', headers: json, body: '{}' });
  assert.equal(last().url, '/openai/v1/responses?api-version=preview');
  await rawCall(own, `${path}?api-version=mine`, { method: 'POST', headers: json, body: '{}' });
  assert.equal(last().url, '/openai/deployments/d/chat/completions?api-version=mine');
});

test('sends Claude on Azure its key under its own name, and reads its usage', async () => {
  gateway.upstreams.azure.reply({
    json: { type: 'message', role: 'assistant', content: [], usage: { input_tokens: 5, output_tokens: 6 } },
  });
  const ended = gateway.next();
  await rawCall(gateway, '/azure_passthrough/anthropic/v1/messages', {
    method: 'POST',
    headers: json,
    body: '{"model":"claude-x"}',
  });
  assert.equal(last().headers['x-api-key'], 'sk-upstream');
  assert.equal((await ended).outcome.usage?.output, 6);
});

test('leads to the next step of a long operation through the gateway', async () => {
  const { azure } = gateway.upstreams;
  azure.reply({
    status: 202,
    json: {},
    headers: { 'operation-location': `${azure.url}/openai/operations/1?api-version=v`, location: '/openai/relative' },
  });
  const { headers } = await rawCall(gateway, '/azure_passthrough/openai/v1/jobs', {
    method: 'POST',
    headers: json,
    body: '{}',
  });
  assert.equal(headers['operation-location'], `${gateway.url}/azure_passthrough/openai/operations/1?api-version=v`);
  assert.equal(headers.location, '/azure_passthrough/openai/relative');
});

test('does not start with a key that has no endpoint', async () => {
  const start = startGateway({
    plugins: { 'routes/azure-passthrough': {}, 'providers/azure': { keys: [{ name: 'lost', value: 'k' }] } },
  });
  await assert.rejects(start, /lost has no endpoint/);
});

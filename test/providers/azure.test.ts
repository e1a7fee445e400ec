import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import OpenAI, { AzureOpenAI } from 'openai';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { type ProviderGateway, providerGateway } from './provider-gateway.ts';

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Hello', refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};
const hi = [{ role: 'user' as const, content: 'Hi' }];
const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-4o',
  choices: [{ index: 0, delta, finish_reason, content_filter_results: {} }],
});

suite('azure', () => {
  let gateway: ProviderGateway;
  before(async () => {
    gateway = await providerGateway('providers/azure', ({ url }) => ({
      keys: [
        {
          name: 'main',
          value: 'azure-key',
          endpoint: `${url}/`,
          aliases: { 'gpt-4o': 'my deployment' },
          models: ['gpt-4o', 'plain'],
        },
        { name: 'dated', value: 'azure-key-2', endpoint: url, apiVersion: '2025-01-01-preview', models: ['dated'] },
      ],
    }));
  });
  after(() => gateway?.close());

  test("calls an alias's deployment at the key's endpoint, with the default api-version", async () => {
    gateway.upstream.reply({ json: completion });
    await gateway.client.chat.completions.create({ model: 'azure/gpt-4o', messages: hi });
    const { url, headers, json } = gateway.last();
    assert.equal(url, '/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21');
    assert.equal(headers['api-key'], 'azure-key');
    assert.equal(headers['authorization'], undefined);
    assert.equal((json as { model: string }).model, 'my deployment');
  });

  test("prefers the key's api-version, then the client's", async () => {
    gateway.upstream.reply({ json: completion }, { json: completion });
    await gateway.client.chat.completions.create({ model: 'azure/dated', messages: hi });
    assert.equal(gateway.last().url, '/openai/deployments/dated/chat/completions?api-version=2025-01-01-preview');
    const azure = new AzureOpenAI({
      endpoint: `${gateway.url}/openai`,
      apiKey: 'client',
      apiVersion: '2024-02-01',
      maxRetries: 0,
    });
    await azure.chat.completions.create({ model: 'plain', messages: hi });
    assert.equal(gateway.last().url, '/openai/deployments/plain/chat/completions?api-version=2024-02-01');
  });

  test('sends responses to /openai/v1, without a dated api-version', async () => {
    const response = {
      id: 'resp_1',
      object: 'response',
      created_at: 1,
      status: 'completed',
      model: 'plain',
      output: [],
    };
    gateway.upstream.reply({ json: response });
    await gateway.client.responses.create({ model: 'azure/plain', input: 'Hi' });
    assert.equal(gateway.last().url, '/openai/v1/responses');
    assert.equal((gateway.last().json as { model: string }).model, 'plain');
  });

  test('embeds, completes and speaks at the deployment', async () => {
    gateway.upstream.always({ json: { object: 'list', data: [], text: '', choices: [] } });
    await gateway.client.embeddings.create({ model: 'azure/plain', input: 'Hi', encoding_format: 'float' });
    assert.equal(gateway.last().url, '/openai/deployments/plain/embeddings?api-version=2024-10-21');
    await gateway.client.completions.create({ model: 'azure/plain', prompt: 'Hi' });
    assert.equal(gateway.last().url, '/openai/deployments/plain/completions?api-version=2024-10-21');
    await gateway.client.audio.speech.create({ model: 'azure/plain', input: 'Hi', voice: 'alloy' });
    assert.equal(gateway.last().url, '/openai/deployments/plain/audio/speech?api-version=2024-10-21');
  });

  test("passes Azure's filter results and asynchronous chunks through to the stream helper", async () => {
    const filters = {
      choices: [],
      created: 0,
      id: '',
      model: '',
      object: '',
      prompt_filter_results: [{ prompt_index: 0 }],
    };
    const late = {
      ...chunk({}),
      choices: [{ index: 0, finish_reason: null, delta: {}, content_filter_offsets: { check_offset: 5 } }],
    };
    const events = [
      filters,
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'Hello' }),
      chunk({}, 'stop'),
      late,
      'data: [DONE]\n\n',
    ];
    gateway.upstream.reply({ events });
    const stream = gateway.client.chat.completions.stream({ model: 'azure/plain', messages: hi });
    assert.equal(await stream.finalContent(), 'Hello');
  });

  test("passes Azure's own error on, with its codes", async () => {
    const error = {
      message: 'Filtered.',
      type: null,
      param: 'prompt',
      code: 'content_filter',
      status: 400,
      innererror: {},
    };
    gateway.upstream.reply({ status: 400, json: { error } });
    const asked = gateway.client.chat.completions.create({ model: 'azure/plain', messages: hi });
    await assert.rejects(asked, (caught: InstanceType<typeof OpenAI.APIError>) => {
      assert.deepEqual([caught.status, caught.code, caught.param], [400, 'content_filter', 'prompt']);
      return true;
    });
  });

  test('lists deployments that the config names', async () => {
    gateway.upstream.always({ json: { data: [{ id: 'gpt-4o', object: 'model', created_at: 1 }] } });
    const { data } = await gateway.client.models.list();
    assert.deepEqual(data.map(({ id }) => id).sort(), ['azure/dated', 'azure/gpt-4o', 'azure/plain']);
  });
});

test('speaks the v1 paths when told so, with the deployment as model', async () => {
  await using gateway = await providerGateway('providers/azure', ({ url }) => ({
    api: 'v1',
    keys: [{ name: 'main', value: 'azure-key', endpoint: url, aliases: { 'gpt-4o': 'dep' } }],
  }));
  gateway.upstream.always({ json: completion });
  await gateway.client.chat.completions.create({ model: 'azure/gpt-4o', messages: hi });
  assert.equal(gateway.last().url, '/openai/v1/chat/completions');
  assert.equal((gateway.last().json as { model: string }).model, 'dep');
});

test('gets an Entra token once, and another when the first is refused', async () => {
  await using upstream = await startUpstream();
  const seen: string[] = [];
  let tokens = 0;
  upstream.always(({ url, headers, body }) => {
    if (url === '/tenant-1/oauth2/v2.0/token') {
      const form = new URLSearchParams(body.toString());
      assert.equal(form.get('client_secret'), 'entra-secret');
      assert.equal(form.get('scope'), 'https://cognitiveservices.azure.com/.default');
      return { json: { access_token: `token-${++tokens}`, expires_in: 3_600 } };
    }
    seen.push(String(headers['authorization']));
    return seen.length === 3
      ? { status: 401, json: { error: { code: '401', message: 'Expired.' } } }
      : { json: completion };
  });
  const entra = { tenantId: 'tenant-1', clientId: 'app', clientSecret: 'entra-secret' };
  await using gateway = await startGateway({
    plugins: {
      'routes/openai': {},
      'providers/azure': { authority: upstream.url, keys: [{ name: 'app', endpoint: upstream.url, ...entra }] },
    },
  });
  const client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'client', maxRetries: 0 });
  for (let i = 0; i < 3; i++) await client.chat.completions.create({ model: 'azure/gpt-4o', messages: hi });
  assert.deepEqual(seen, ['Bearer token-1', 'Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
});

test('says what Entra said when it gives no token', async () => {
  await using gateway = await providerGateway('providers/azure', ({ url }) => ({
    authority: url,
    keys: [{ name: 'app', endpoint: url, tenantId: 't', clientId: 'app', clientSecret: 'entra-secret' }],
  }));
  gateway.upstream.always({
    status: 401,
    json: { error: 'invalid_client', error_description: 'AADSTS7000215: wrong secret.' },
  });
  const asked = gateway.client.chat.completions.create({ model: 'azure/gpt-4o', messages: hi });
  await assert.rejects(asked, /credentials of azure could not be used: Entra answered 401: AADSTS7000215/);
});

for (const [what, key, words] of [
  ['without endpoint', { value: 'azure-key' }, /the key main has no endpoint/],
  ['without credential', { endpoint: 'https://x.openai.azure.com' }, /the key main has no credential/],
  [
    'with half an application',
    { endpoint: 'https://x.openai.azure.com', tenantId: 't' },
    /clientId and clientSecret missing/,
  ],
] as const) {
  test(`refuses to start with a key ${what}`, async () => {
    const starting = startGateway({ plugins: { 'providers/azure': { keys: [{ name: 'main', ...key }] } } });
    await assert.rejects(starting, words);
  });
}

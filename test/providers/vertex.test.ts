import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import type OpenAI from 'openai';
import { startGateway } from '../../plugin-sdk/testing/index.ts';
import { hostOf, located } from '../../providers/vertex/place.ts';
import { floats, type ProviderGateway, providerGateway } from './provider-gateway.ts';

const generated = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'Hello' }] }, finishReason: 'STOP' }],
  usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
};
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  content: [{ type: 'text', text: 'Hello' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 3, output_tokens: 2 },
};
const hi = [{ role: 'user' as const, content: 'Hi' }];
const place = '/v1/projects/my-project/locations/europe-west4/publishers';
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

/** A service account whose tokens come from the scripted upstream. */
const account = (url: string) => ({
  type: 'service_account',
  project_id: 'account-project',
  private_key_id: 'k1',
  private_key: privateKey,
  client_email: 'gateway@account-project.iam.gserviceaccount.com',
  client_id: '1',
  token_uri: `${url}/token`,
});

suite('vertex', () => {
  let gateway: ProviderGateway;
  before(async () => {
    gateway = await providerGateway('providers/vertex', ({ url }) => ({
      baseUrl: url,
      keys: [{ name: 'main', value: 'ya29.static', project: 'my-project', region: 'europe-west4' }],
    }));
  });
  after(() => gateway?.close());

  test("sends Gemini to Google's publisher in the key's project and location", async () => {
    gateway.upstream.reply({ json: generated });
    const said = await gateway.client.chat.completions.create({
      model: 'vertex/gemini-2.5-flash',
      messages: hi,
      service_tier: 'flex',
    });
    const { url, headers } = gateway.last();
    assert.equal(url, `${place}/google/models/gemini-2.5-flash:generateContent`);
    assert.equal(headers['authorization'], 'Bearer ya29.static');
    assert.equal(headers['x-vertex-ai-llm-shared-request-type'], 'flex');
    assert.equal(said.choices[0]!.message.content, 'Hello');
  });

  test('sends results in the order of their calls, since Vertex has no ids to tell two calls of one function apart', async () => {
    const weather = (id: string, city: string) => ({
      id,
      type: 'function' as const,
      function: { name: 'weather', arguments: JSON.stringify({ city }) },
    });
    const part = (output: string) => ({ functionResponse: { name: 'weather', response: { output } } });
    gateway.upstream.reply({ json: generated }, { json: generated });
    await gateway.client.chat.completions.create({
      model: 'vertex/gemini-2.5-flash',
      messages: [
        ...hi,
        { role: 'assistant', tool_calls: [weather('call_1', 'Paris'), weather('call_2', 'Rome')] },
        { role: 'tool', tool_call_id: 'call_2', content: 'Rome: hot' },
        { role: 'tool', tool_call_id: 'call_1', content: 'Paris: rain' },
        { role: 'user', content: 'So?' },
      ],
    });
    const contents = () => (gateway.last().json as { contents: { parts: unknown[] }[] }).contents;
    assert.deepEqual(contents()[2]?.parts, [part('Paris: rain'), part('Rome: hot'), { text: 'So?' }]);
    await gateway.client.responses.create({
      model: 'vertex/gemini-2.5-flash',
      input: [
        ...hi,
        { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Paris"}' },
        { type: 'function_call', call_id: 'call_2', name: 'weather', arguments: '{"city":"Rome"}' },
        { type: 'function_call_output', call_id: 'call_2', output: 'Rome: hot' },
        { type: 'function_call_output', call_id: 'call_1', output: 'Paris: rain' },
      ],
    });
    assert.deepEqual(contents()[2]?.parts, [part('Paris: rain'), part('Rome: hot')]);
  });

  test('streams Gemini', async () => {
    gateway.upstream.reply({ events: [generated] });
    assert.equal(
      await gateway.client.chat.completions
        .stream({ model: 'vertex/google/gemini-2.5-flash', messages: hi })
        .finalContent(),
      'Hello',
    );
    assert.equal(gateway.last().url, `${place}/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse`);
  });

  test("sends Claude to Anthropic's publisher, with the version in the body and the model in the path only", async () => {
    gateway.upstream.reply({ json: message });
    const said = await gateway.client.chat.completions.create({
      model: 'vertex/claude-sonnet-4-5@20250929',
      messages: hi,
    });
    const { url, json } = gateway.last();
    assert.equal(url, `${place}/anthropic/models/claude-sonnet-4-5@20250929:rawPredict`);
    const body = json as Record<string, unknown>;
    assert.equal(body['anthropic_version'], 'vertex-2023-10-16');
    assert.equal('model' in body, false);
    assert.equal(said.choices[0]!.message.content, 'Hello');
  });

  test('streams Claude', async () => {
    const events = [
      { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
      { type: 'message_stop' },
    ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    gateway.upstream.reply({ events });
    assert.equal(
      await gateway.client.chat.completions.stream({ model: 'vertex/claude-opus-4-1', messages: hi }).finalContent(),
      'Hello',
    );
    assert.equal(gateway.last().url, `${place}/anthropic/models/claude-opus-4-1:streamRawPredict`);
    assert.equal((gateway.last().json as { stream: boolean }).stream, true);
  });

  test("carries other makers' models to Vertex's OpenAI endpoint", async () => {
    const choice = { index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' };
    gateway.upstream.reply({ json: { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [choice] } });
    await gateway.client.chat.completions.create({ model: 'vertex/meta/llama-4-maverick', messages: hi });
    assert.equal(
      gateway.last().url,
      '/v1/projects/my-project/locations/europe-west4/endpoints/openapi/chat/completions',
    );
    assert.equal((gateway.last().json as { model: string }).model, 'meta/llama-4-maverick');
  });

  test('lists the models of both publishers', async () => {
    gateway.upstream.always(({ url }) => {
      const publisher = /publishers\/(\w+)\/models/.exec(url)![1];
      return { json: { publisherModels: [{ name: `publishers/${publisher}/models/${publisher}-model` }] } };
    });
    const { data } = await gateway.client.models.list();
    assert.deepEqual(
      data.map(({ id }) => id),
      ['vertex/google-model', 'vertex/anthropic-model'],
    );
    assert.equal(gateway.last().headers['authorization'], 'Bearer ya29.static');
  });

  test('embeds by predict, one text a call for Gemini models', async () => {
    gateway.upstream.always({
      json: { predictions: [{ embeddings: { values: [0.5], statistics: { token_count: 2 } } }] },
    });
    const { data, usage } = await gateway.client.embeddings.create({
      model: 'vertex/gemini-embedding-001',
      input: ['a', 'b'],
      dimensions: 1,
    });
    assert.deepEqual(
      data.map(({ embedding }) => [...embedding]),
      [floats(0.5), floats(0.5)],
    );
    assert.equal(usage.prompt_tokens, 4);
    assert.equal(gateway.last().url, `${place}/google/models/gemini-embedding-001:predict`);
    assert.deepEqual(gateway.last().json, { instances: [{ content: 'b' }], parameters: { outputDimensionality: 1 } });
  });
});

test('uses an API key without a project in express mode', async () => {
  await using gateway = await providerGateway('providers/vertex', ({ url }) => ({
    baseUrl: url,
    keys: [{ name: 'main', value: 'AIzaKey' }],
  }));
  gateway.upstream.always({ json: generated });
  await gateway.client.chat.completions.create({ model: 'vertex/gemini-2.5-flash', messages: hi });
  assert.equal(gateway.last().url, '/v1/publishers/google/models/gemini-2.5-flash:generateContent');
  assert.equal(gateway.last().headers['x-goog-api-key'], 'AIzaKey');
  assert.equal(gateway.last().headers['authorization'], undefined);
});

test('gets tokens for a service account, keeps them, and drops one that is refused', async () => {
  await using gateway = await providerGateway('providers/vertex', ({ url }) => ({
    baseUrl: url,
    keys: [{ name: 'main', credentials: account(url) }],
  }));
  const seen: string[] = [];
  let tokens = 0;
  gateway.upstream.always(({ url, headers, body }) => {
    if (url === '/token') {
      assert.match(body.toString(), /grant_type=urn%3Aietf/);
      return { json: { access_token: `ya29.${++tokens}`, expires_in: 3_600, token_type: 'Bearer' } };
    }
    seen.push(String(headers['authorization']));
    const refused = { status: 401, json: { error: { code: 401, message: 'Bad token.', status: 'UNAUTHENTICATED' } } };
    return seen.length === 3 ? refused : { json: generated };
  });
  for (let i = 0; i < 3; i++)
    await gateway.client.chat.completions.create({ model: 'vertex/gemini-2.5-flash', messages: hi });
  assert.deepEqual(seen, ['Bearer ya29.1', 'Bearer ya29.1', 'Bearer ya29.1', 'Bearer ya29.2']);
  assert.match(gateway.last().url, /^\/v1\/projects\/account-project\/locations\/global\//);
});

test('says what Google said when it gives no token', async () => {
  await using gateway = await providerGateway('providers/vertex', ({ url }) => ({
    baseUrl: url,
    keys: [{ name: 'main', credentials: JSON.stringify(account(url)) }],
  }));
  gateway.upstream.always({
    status: 400,
    json: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' },
  });
  const asked = gateway.client.chat.completions.create({ model: 'vertex/gemini-2.5-flash', messages: hi });
  await assert.rejects(asked, (error: InstanceType<typeof OpenAI.APIError>) => {
    assert.equal(error.status, 502);
    assert.match(error.message, /credentials of vertex could not be used: .*invalid_grant/);
    return true;
  });
});

for (const [what, key, words] of [
  ['without project', { value: 'ya29.token' }, /the key main has no project/],
  ['whose credentials are no JSON', { credentials: 'service-account.json' }, /`credentials` is not JSON/],
] as const) {
  test(`refuses to start with a key ${what}`, async () => {
    const project = process.env['GOOGLE_CLOUD_PROJECT'];
    delete process.env['GOOGLE_CLOUD_PROJECT'];
    try {
      await assert.rejects(
        startGateway({ plugins: { 'providers/vertex': { keys: [{ name: 'main', ...key }] } } }),
        words,
      );
    } finally {
      if (project !== undefined) process.env['GOOGLE_CLOUD_PROJECT'] = project;
    }
  });
}

test('knows regional, multi-regional and global hosts', () => {
  assert.equal(hostOf('us-central1'), 'https://us-central1-aiplatform.googleapis.com');
  assert.equal(hostOf('eu'), 'https://aiplatform.eu.rep.googleapis.com');
  assert.equal(hostOf('global'), 'https://aiplatform.googleapis.com');
});

test("puts the key's project and location into a native client's path", () => {
  const where = { project: 'p', region: 'us' };
  for (const [path, expected] of [
    [
      '/v1beta1/projects/None/locations/None/publishers/google/models/g:generateContent',
      '/v1beta1/projects/p/locations/us/publishers/google/models/g:generateContent',
    ],
    [
      '/v1/v1/publishers/google/models/g:generateContent',
      '/v1/projects/p/locations/us/publishers/google/models/g:generateContent',
    ],
    ['/v1beta1/models/g:countTokens', '/v1beta1/projects/p/locations/us/publishers/google/models/g:countTokens'],
    ['/v1beta1/publishers/google/models', '/v1beta1/publishers/google/models'],
    ['/cachedContents', '/v1/projects/p/locations/us/cachedContents'],
  ] as const) {
    assert.equal(located(path, where), expected);
  }
});

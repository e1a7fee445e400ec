import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiError, GoogleGenAI } from '@google/genai';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';
import { rawCall } from './passthrough-gateway.ts';

let gateway: RunningGateway;
let upstream: Upstream;

before(async () => {
  upstream = await startUpstream();
  const vertexKey = { name: 'main', value: 'ya29.upstream', project: 'our-project', region: 'europe-west4' };
  const azureKey = { name: 'main', value: 'sk-azure', endpoint: upstream.url };
  gateway = await startGateway({
    plugins: {
      'routes/genai': {},
      'providers/openai': upstream.provider(),
      'providers/azure': upstream.provider({ keys: [azureKey] }),
      'providers/mistral': upstream.provider(),
      'providers/cohere': upstream.provider(),
      'providers/anthropic': upstream.provider(),
      'providers/gemini': upstream.provider(),
      'providers/vertex': upstream.provider({ keys: [vertexKey] }),
      'providers/mock': {},
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

const models = () => new GoogleGenAI({ apiKey: 'dummy-key', httpOptions: { baseUrl: `${gateway.url}/genai` } }).models;
const vectors = {
  object: 'list',
  data: [
    { object: 'embedding', index: 0, embedding: [0.25, 0.5] },
    { object: 'embedding', index: 1, embedding: [0.75, 1] },
  ],
  model: 'text-embedding-3-small',
  usage: { prompt_tokens: 7, total_tokens: 7 },
};
const values = [{ values: [0.25, 0.5] }, { values: [0.75, 1] }];
const two = ['one', 'two'];

test("Google's client gets its embeddings from OpenAI", async () => {
  upstream.reply({ json: vectors });
  const { embeddings, sdkHttpResponse } = await models().embedContent({
    model: 'openai/text-embedding-3-small',
    contents: two,
    config: { outputDimensionality: 2, taskType: 'CLUSTERING', title: 'Numbers' },
  });
  assert.deepEqual(embeddings, values);
  const { url, json } = upstream.requests.at(-1)!;
  assert.equal(url, '/v1/embeddings');
  const expected = { model: 'text-embedding-3-small', input: two, dimensions: 2, encoding_format: 'float' };
  assert.deepEqual(json, expected);
  const lost = sdkHttpResponse?.headers?.['x-bf-lossy'];
  assert.equal(lost, 'requests[0].title, requests[1].title, taskType');
});

test('from a deployment at Azure', async () => {
  upstream.reply({ json: vectors });
  const { embeddings } = await models().embedContent({ model: 'azure/embedder', contents: two });
  assert.deepEqual(embeddings, values);
  assert.equal(upstream.requests.at(-1)!.url, '/openai/deployments/embedder/embeddings?api-version=2024-10-21');
});

test('from a provider that has a word of its own for a field', async () => {
  upstream.reply({ json: vectors });
  const config = { outputDimensionality: 2 };
  const { embeddings } = await models().embedContent({ model: 'mistral/codestral-embed', contents: two, config });
  assert.deepEqual(embeddings, values);
  const { model, input, output_dimension } = upstream.requests.at(-1)!.json as Record<string, unknown>;
  assert.deepEqual([model, input, output_dimension], ['codestral-embed', two, 2]);
});

test('from Cohere, which is told what they are for', async () => {
  upstream.reply({ json: { embeddings: { float: [[0.25, 0.5]] }, meta: { billed_units: { input_tokens: 3 } } } });
  const { embeddings } = await models().embedContent({
    model: 'cohere/embed-v4.0',
    contents: 'one',
    config: { taskType: 'RETRIEVAL_QUERY' },
  });
  assert.deepEqual(embeddings, values.slice(0, 1));
  assert.equal((upstream.requests.at(-1)!.json as { input_type: string }).input_type, 'search_query');
});

test('from Vertex, which has other verbs for them', async () => {
  upstream.reply({
    json: { predictions: [{ embeddings: { values: [0.25, 0.5], statistics: { token_count: 3 } } }] },
  });
  const config = { taskType: 'CLUSTERING', outputDimensionality: 2 };
  const asked = { model: 'vertex/text-embedding-005', contents: 'one', config };
  assert.deepEqual((await models().embedContent(asked)).embeddings, values.slice(0, 1));
  const { url, json } = upstream.requests.at(-1)!;
  assert.match(
    url,
    /\/projects\/our-project\/locations\/europe-west4\/publishers\/google\/models\/text-embedding-005:predict$/,
  );
  assert.deepEqual(json, {
    instances: [{ content: 'one', task_type: 'CLUSTERING' }],
    parameters: { outputDimensionality: 2 },
  });
});

test('from Google itself as they come, asked under the name that it knows', async () => {
  for (const model of ['gemini-embedding-001', 'gemini/gemini-embedding-001']) {
    upstream.reply({ json: { embeddings: values, usageMetadata: { promptTokenCount: 7 } } });
    const { embeddings } = await models().embedContent({ model, contents: two, config: { title: 'Numbers' } });
    assert.deepEqual(embeddings, values);
    const { url, json } = upstream.requests.at(-1)!;
    assert.equal(url, '/v1beta/models/gemini-embedding-001:batchEmbedContents');
    const { requests } = json as { requests: { model: string; title: string }[] };
    assert.deepEqual(
      requests.map(({ model, title }) => [model, title]),
      [
        ['models/gemini-embedding-001', 'Numbers'],
        ['models/gemini-embedding-001', 'Numbers'],
      ],
    );
  }
});

test('from the mock, and one at a time', async () => {
  const config = { outputDimensionality: 4 };
  const { embeddings } = await models().embedContent({ model: 'mock/echo', contents: two, config });
  assert.deepEqual(
    embeddings?.map(({ values }) => values?.length),
    [4, 4],
  );
  const single = await embed('mock/echo', { content: { parts: [{ text: 'one' }] }, output_dimensionality: 4 });
  assert.deepEqual(single.json.embedding, embeddings?.[0]);
  assert.equal(single.json.usageMetadata.promptTokenCount > 0, true);
});

test('what no other provider can embed is refused with the name of the field', async () => {
  const image = { inlineData: { mimeType: 'image/png', data: 'AAAA' } };
  const refusals: [object, RegExp][] = [
    [{ content: { parts: [image] } }, /content\.parts\[0\] must be text: this provider embeds nothing else/],
    [{ content: 'one' }, /content\.parts must be a list of parts/],
    [{ requests: [] }, /requests must be a list of at least one request/],
    [{ requests: ['one'] }, /requests\[0\] must be an object/],
    [
      { requests: [1, 2].map((size) => ({ content: { parts: [{ text: 'a' }] }, outputDimensionality: size })) },
      /requests\[1\]\.outputDimensionality must be the same in all requests of a batch/,
    ],
  ];
  for (const [body, expected] of refusals) {
    const { status, json } = await embed('openai/text-embedding-3-small', body);
    assert.deepEqual([status, json.error.status], [400, 'INVALID_ARGUMENT']);
    assert.match(json.error.message, expected);
  }
  await assert.rejects(
    models().embedContent({ model: 'anthropic/claude-sonnet-4-5', contents: 'one' }),
    (error: ApiError) => error instanceof ApiError && /anthropic cannot serve embeddings/.test(error.message),
  );
});

test('an answer without a vector is a bad answer of the provider', async () => {
  upstream.reply({ json: { object: 'list', data: [] } });
  const { status, json } = await embed('openai/text-embedding-3-small', { content: { parts: [{ text: 'one' }] } });
  assert.equal(status, 502);
  assert.match(json.error.message, /there is no vector for input 0/);
});

// biome-ignore lint/suspicious/noExplicitAny: replies are read as a client without types reads them.
async function embed(model: string, body: object): Promise<{ status: number; json: any }> {
  const verb = 'requests' in body ? 'batchEmbedContents' : 'embedContent';
  const reply = await rawCall(gateway, `/genai/v1beta/models/${model}:${verb}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: reply.status, json: JSON.parse(reply.body.toString()) };
}

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

let gateway: RunningGateway;
let upstream: Upstream;

before(async () => {
  upstream = await startUpstream();
  const vertexKey = { name: 'main', value: 'ya29.upstream', project: 'our-project', region: 'europe-west4' };
  gateway = await startGateway({
    plugins: {
      'routes/openai': {},
      'routes/anthropic': {},
      'routes/genai': {},
      'providers/openai': upstream.provider(),
      'providers/groq': upstream.provider(),
      'providers/cohere': upstream.provider(),
      'providers/azure': upstream.provider({ keys: [{ name: 'main', value: 'sk-azure', endpoint: upstream.url }] }),
      'providers/bedrock': upstream.provider(),
      'providers/vertex': upstream.provider({ keys: [vertexKey] }),
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

const place = '/v1/projects/our-project/locations/europe-west4/publishers';
const tool = { name: 'weather', description: 'Tells it.', input_schema: { type: 'object' as const, properties: {} } };
const asked = { system: 'Be brief.', messages: [{ role: 'user' as const, content: 'Hello!' }], tools: [tool] };

/** The count that Anthropic's client gets, and whether it is an estimate. */
async function count(model: string, more: object = {}): Promise<{ tokens: number; estimated: string | null }> {
  const client = new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: 'dummy-key' });
  const { data, response } = await client.messages.countTokens({ ...asked, model, ...more }).withResponse();
  return { tokens: data.input_tokens, estimated: response.headers.get('x-bf-estimated') };
}

test('Claude on Vertex counts at the endpoint that all its models share', async () => {
  upstream.reply({ json: { input_tokens: 21 } });
  assert.deepEqual(await count('vertex/claude-sonnet-4-5@20250929'), { tokens: 21, estimated: null });
  const { url, json, headers } = upstream.requests.at(-1)!;
  assert.equal(url, `${place}/anthropic/models/count-tokens:rawPredict`);
  assert.equal(headers['authorization'], 'Bearer ya29.upstream');
  assert.deepEqual(json, { ...asked, model: 'claude-sonnet-4-5@20250929', anthropic_version: 'vertex-2023-10-16' });
});

test('Gemini on Vertex counts at its own', async () => {
  upstream.reply({ json: { totalTokens: 22 } });
  assert.deepEqual(await count('vertex/gemini-2.5-flash'), { tokens: 22, estimated: null });
  assert.equal(upstream.requests.at(-1)!.url, `${place}/google/models/gemini-2.5-flash:countTokens`);
});

test('Bedrock counts for the model itself, wherever it runs', async () => {
  upstream.reply({ json: { inputTokens: 23 } });
  const model = 'bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0';
  assert.deepEqual(await count(model), { tokens: 23, estimated: null });
  const { url, json } = upstream.requests.at(-1)!;
  assert.equal(url, '/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens');
  const { messages, system, toolConfig, ...rest } = (json as { input: { converse: Record<string, unknown> } }).input
    .converse;
  assert.deepEqual(messages, [{ role: 'user', content: [{ text: 'Hello!' }] }]);
  assert.deepEqual(system, [{ text: 'Be brief.' }]);
  assert.deepEqual([toolConfig !== undefined, rest], [true, {}]);
});

test('a model that Bedrock cannot count for is estimated, and any other failure told', async () => {
  const message = "The provided model doesn't support counting tokens.";
  upstream.reply({ status: 400, json: { message }, headers: { 'x-amzn-errortype': 'ValidationException' } });
  const { tokens, estimated } = await count('bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0');
  assert.deepEqual([tokens > 150 && tokens < 250, estimated], [true, 'input_tokens']);
  upstream.reply({ status: 400, json: { message: 'messages: a role is missing' } });
  await assert.rejects(count('bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0'), /a role is missing/);
});

test('where a provider does not count, an estimate answers, and nothing is sent', async () => {
  const before = upstream.requests.length;
  for (const model of ['groq/llama-3.3-70b', 'cohere/command-a', 'azure/gpt-4o', 'vertex/mistralai/mistral-medium-3']) {
    const { tokens, estimated } = await count(model);
    assert.deepEqual([tokens > 150 && tokens < 250, estimated], [true, 'input_tokens'], model);
  }
  assert.equal(upstream.requests.length, before);
});

test('an estimate grows with text in any script, and takes an image for an image', async () => {
  const of = async (content: unknown): Promise<number> =>
    (await count('groq/llama-3.3-70b', { tools: undefined, messages: [{ role: 'user', content }] })).tokens;
  const none = await of('');
  assert.equal((await of('seven77'.repeat(1_000))) - none, 2_000);
  assert.equal((await of('字'.repeat(700))) - none, 600);
  const data = 'A'.repeat(400_000);
  const source = { type: 'base64', media_type: 'image/png', data };
  const image = (await of([{ type: 'image', source }])) - none;
  assert.ok(image > 1_500 && image < 1_600, String(image));
  const document = { type: 'base64', media_type: 'application/pdf', data };
  assert.ok((await of([{ type: 'document', source: document }])) > 20_000);
});

test("clients of OpenAI's and Google's are told in their own words", async () => {
  const client = new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'dummy-key' });
  const { data, response } = await client.responses.inputTokens
    .count({ model: 'groq/llama-3.3-70b', input: 'Hello!' })
    .withResponse();
  assert.deepEqual([data.object, data.input_tokens > 0], ['response.input_tokens', true]);
  assert.equal(response.headers.get('x-bf-estimated'), 'input_tokens');
  const { models } = new GoogleGenAI({ apiKey: 'dummy-key', httpOptions: { baseUrl: `${gateway.url}/genai` } });
  const image = { inlineData: { mimeType: 'image/png', data: 'A'.repeat(40_000) } };
  const { totalTokens } = await models.countTokens({ model: 'groq/llama-3.3-70b', contents: [{ parts: [image] }] });
  assert.ok(totalTokens! > 1_500 && totalTokens! < 1_600, String(totalTokens));
});

test('what could not be asked is not estimated either', async () => {
  await assert.rejects(count('groq/llama-3.3-70b', { messages: 'Hello!' }), /400.*messages/s);
});

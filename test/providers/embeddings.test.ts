import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/json.ts';
import { recordings, recordingsMissing } from '../recordings.ts';
import { floats, providerGateway } from './provider-gateway.ts';

test('gives an SDK that asks for base64 its vectors from a provider that answers with numbers', async () => {
  await using gateway = await providerGateway('providers/mistral');
  const data = [{ object: 'embedding', index: 0, embedding: [0.5, -1] }];
  gateway.upstream.always({
    json: { object: 'list', data, model: 'mistral-embed', usage: { prompt_tokens: 2, total_tokens: 2 } },
  });
  const body = { model: 'mistral/mistral-embed', input: 'Hi' };
  for (const Client of [OpenAI, OpenAI6]) {
    const client = new Client({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'client', maxRetries: 0 });
    const decoded = await client.embeddings.create(body);
    assert.deepEqual([...decoded.data[0]!.embedding], floats(0.5, -1));
    assert.equal(decoded.usage.prompt_tokens, 2);
    const numbers = await client.embeddings.create({ ...body, encoding_format: 'float' });
    assert.deepEqual(numbers.data[0]!.embedding, [0.5, -1]);
  }
});

const options = {
  gemini: { value: 'key' },
  vertex: { value: 'ya29.token', project: 'p' },
  bedrock: { value: 'key' },
  cohere: { value: 'key' },
} as const;

for (const [provider, key] of Object.entries(options)) {
  test(`gives every vector that ${provider} was recorded with`, { skip: recordingsMissing }, async (t) => {
    await using gateway = await providerGateway(`providers/${provider}`, ({ url }) => ({
      baseUrl: url,
      keys: [{ name: 'main', ...key }],
    }));
    let checked = 0;
    for (const { file, interactions } of recordings(provider)) {
      for (const { request, response } of interactions) {
        const path = new URL(request.url).pathname;
        if (response.status !== 200 || !/embed/i.test(path) || !isObject(response.body)) continue;
        const vectors = vectorsIn(response.body);
        if (vectors.length === 0) continue;
        gateway.upstream.always({ json: response.body });
        const name = decodeURIComponent(/\/models?\/([^/:]+)/.exec(path)?.[1] ?? 'embed-v4.0');
        // Models that embed one text a call answer each with the recorded vector; so does every text here.
        const input = vectors.map((_, i) => `text ${i}`);
        const { data } = await gateway.client.embeddings.create({
          model: `${provider}/${name}`,
          input,
          encoding_format: 'float',
        });
        assert.deepEqual(
          data.map(({ embedding }) => embedding),
          vectors,
          file,
        );
        checked += 1;
      }
    }
    t.diagnostic(`${checked} recorded embeddings checked`);
    assert.ok(checked > 0);
  });
}

/** Every list of numbers in a reply, in order, once. */
function vectorsIn(value: JsonValue): number[][] {
  if (Array.isArray(value) && value.length > 8 && value.every((one) => typeof one === 'number'))
    return [value as number[]];
  if (Array.isArray(value)) return value.flatMap(vectorsIn);
  if (!isObject(value)) return [];
  const { embeddingsByType: _repeated, ...rest } = value as JsonObject;
  return Object.values(rest).flatMap((inner) => (inner === undefined ? [] : vectorsIn(inner)));
}

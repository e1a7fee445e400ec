import assert from 'node:assert/strict';
import { test } from 'node:test';
import { providerGateway } from '../providers/provider-gateway.ts';

const models = {
  anthropic: 'claude-sonnet-4-5',
  gemini: 'gemini-2.5-flash',
  cohere: 'command-a-03-2025',
  bedrock: 'amazon.nova-pro-v1:0',
};

for (const [provider, model] of Object.entries(models)) {
  test(`refuses a request without any content before it reaches ${provider}`, async () => {
    await using gateway = await providerGateway(`providers/${provider}`, (upstream) =>
      upstream.provider({
        keys: [
          { name: 'main', value: 'key-of-the-provider', ...(provider === 'bedrock' ? { region: 'us-east-1' } : {}) },
        ],
      }),
    );
    const { chat, responses } = gateway.client;
    const named = `${provider}/${model}`;
    const refused = { status: 400, param: 'messages', message: /all messages are empty/ };
    await assert.rejects(chat.completions.create({ model: named, messages: [] }), refused);
    await assert.rejects(chat.completions.create({ model: named, messages: [{ role: 'user', content: '' }] }), refused);
    await assert.rejects(responses.create({ model: named, input: '' }), refused);
    assert.equal(gateway.upstream.requests.length, 0);
  });
}

test('takes null for absent where a provider refuses the field', async () => {
  await using gateway = await providerGateway('providers/mistral');
  gateway.upstream.always({ json: { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [] } });
  const reply = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-bf-strict': 'true' },
    body: JSON.stringify({
      model: 'mistral/mistral-small',
      user: null,
      logit_bias: null,
      messages: [{ role: 'user', content: 'Hi' }],
    }),
  });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get('x-bf-lossy'), null);
  assert.deepEqual(Object.keys(gateway.last().json as object), ['model', 'messages']);
});

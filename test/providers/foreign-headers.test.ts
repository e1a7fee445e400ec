import assert from 'node:assert/strict';
import { test } from 'node:test';
import { providerGateway } from './provider-gateway.ts';

const headers = {
  'openai-organization': 'org-1',
  'openai-beta': 'x',
  'anthropic-beta': 'interleaved-thinking-2025-05-14',
  'x-goog-request-params': 'p',
  'x-amzn-trace-id': 't',
  'x-team': 'red',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};
const messages = [{ role: 'user' as const, content: 'Hi' }];

/** The names among the client's that reached the provider. */
function arrived(seen: Record<string, unknown>): string[] {
  return Object.keys(seen)
    .filter((name) => name in headers || name.startsWith('x-stainless-'))
    .sort();
}

test('leaves headers of other formats and of SDKs behind when a call is translated', async () => {
  for (const [provider, model, kept] of [
    ['providers/anthropic', 'anthropic/claude-sonnet-4-5', 'anthropic-beta'],
    ['providers/gemini', 'gemini/gemini-2.5-flash', 'x-goog-request-params'],
    ['providers/bedrock', 'bedrock/amazon.nova-lite-v1:0', 'x-amzn-trace-id'],
    ['providers/cohere', 'cohere/command-a-03-2025', undefined],
  ] as const) {
    await using gateway = await providerGateway(provider);
    gateway.upstream.always({ json: {} });
    await gateway.client.chat.completions.create({ model, messages }, { headers }).catch(() => {});
    const expected = ['traceparent', 'x-team', ...(kept === undefined ? [] : [kept])].sort();
    assert.deepEqual(arrived(gateway.last().headers), expected, provider);
  }
});

test('leaves them behind when an operation is adapted', async () => {
  await using gateway = await providerGateway('providers/gemini');
  gateway.upstream.always({ json: {} });
  const asked = gateway.client.embeddings.create({ model: 'gemini/gemini-embedding-001', input: 'Hi' }, { headers });
  await asked.catch(() => {});
  assert.deepEqual(arrived(gateway.last().headers), ['traceparent', 'x-goog-request-params', 'x-team']);
});

test('passes them all when a call is carried', async () => {
  await using gateway = await providerGateway('providers/openai');
  gateway.upstream.always({ json: {} });
  await gateway.client.chat.completions.create({ model: 'openai/gpt-5', messages }, { headers }).catch(() => {});
  const names = arrived(gateway.last().headers);
  for (const name of [...Object.keys(headers), 'x-stainless-lang'])
    if (name !== 'openai-organization') assert.ok(names.includes(name), name);
});

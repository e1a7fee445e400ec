import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { JsonObject } from '../../plugin-sdk/index.ts';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

let upstream: Upstream;
let gateway: RunningGateway;

before(async () => {
  upstream = await startUpstream();
  const providers = ['gemini', 'openai', 'groq', 'openrouter'].map((name) => [
    `providers/${name}`,
    upstream.provider(),
  ]);
  gateway = await startGateway({
    plugins: { 'routes/openai': {}, 'plugins/fallbacks': {}, ...Object.fromEntries(providers) },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

const reply = {
  json: {
    id: 'c1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  },
};
const call = { id: 'a', type: 'function', function: { name: 'weather', arguments: '{}' } };
const signed = { ...call, extra_content: { google: { thought_signature: 'c2ln' } } };
const request = (model: string, more: object = {}) => ({
  model,
  messages: [
    { role: 'user', content: 'Is it warm?' },
    { role: 'assistant', content: null, tool_calls: [signed] },
    { role: 'tool', tool_call_id: 'a', content: 'Yes' },
  ],
  ...more,
});

async function sentFor(body: object) {
  const response = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200);
  const { messages } = upstream.requests.at(-1)!.json as { messages: JsonObject[] };
  return { calls: messages[1]!['tool_calls'], lossy: response.headers.get('x-bf-lossy') };
}

test('a proof that Google made stays with the gateway when a call falls back to OpenAI', async () => {
  upstream.reply({ status: 503, json: { error: { code: 503, message: 'overloaded', status: 'UNAVAILABLE' } } });
  upstream.reply(reply);
  const { calls, lossy } = await sentFor(request('gemini/gemini-3-pro-preview', { fallbacks: ['openai/gpt-4o'] }));
  assert.deepEqual(calls, [call]);
  assert.equal(lossy, null);
});

test('a proof that Google made stays with the gateway when a conversation goes on at OpenAI', async () => {
  upstream.reply(reply);
  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }];
  const { calls, lossy } = await sentFor(request('openai/gpt-4o', { tools }));
  assert.deepEqual(calls, [call]);
  assert.equal(lossy, null);
});

test('a provider that refuses unknown fields gets no proof of another maker', async () => {
  upstream.reply(reply);
  assert.deepEqual((await sentFor(request('groq/llama'))).calls, [call]);
});

test('a provider that passes proofs on gets them back', async () => {
  upstream.reply(reply);
  assert.deepEqual((await sentFor(request('openrouter/google/gemini-3-pro'))).calls, [signed]);
});

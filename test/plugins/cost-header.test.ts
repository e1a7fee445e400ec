import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';

const usage = { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 };
const body = { model: 'priced-model', messages: [{ role: 'user', content: 'hi' }] };
const whole = {
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'priced-model',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  usage,
};

async function headersOf(url: string, sent: object): Promise<Headers> {
  const reply = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(sent),
  });
  await reply.text();
  return reply.headers;
}

test('says what a whole answer cost in a header, and nothing where the price is not known', async () => {
  await using upstream = await startUpstream();
  upstream.always({ json: whole });
  await using gateway = await startGateway({
    plugins: {
      'routes/openai': {},
      'providers/openai': { baseUrl: upstream.url, keys: [{ name: 'main', value: 'sk-test' }] },
      'plugins/pricing': { overrides: [{ model: 'priced-model', input: 1, output: 2 }] },
    },
  });
  const headers = await headersOf(gateway.url, body);
  assert.equal(headers.get('x-bf-cost'), '0.002');
  assert.equal((await headersOf(gateway.url, { ...body, model: 'nobody-knows-it' })).get('x-bf-cost'), null);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';

const completion = {
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'deepseek',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
};

test('every earlier turn has its thinking, if only an empty one, as soon as one has', async () => {
  await using upstream = await startUpstream();
  upstream.always({ json: completion });
  await using gateway = await startGateway({
    plugins: { 'routes/anthropic': {}, 'routes/openai': {}, 'providers/deepseek': upstream.provider() },
  });
  const client = new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: 'dummy-key', maxRetries: 0 });
  const asked = async (content: Anthropic.ContentBlockParam[]): Promise<unknown[]> => {
    await client.messages.create({
      model: 'deepseek/deepseek-v4-pro',
      max_tokens: 64,
      messages: [
        { role: 'user', content: 'One?' },
        { role: 'assistant', content: 'First.' },
        { role: 'user', content: 'Two?' },
        { role: 'assistant', content },
        { role: 'user', content: 'Three?' },
      ],
    });
    const { messages } = upstream.requests.at(-1)!.json as { messages: { reasoning_content?: string }[] };
    return messages.map(({ reasoning_content: thinking }) => thinking);
  };
  const text = { type: 'text' as const, text: 'Second.' };
  const thinking = { type: 'thinking' as const, thinking: 'So.', signature: '' };
  assert.deepEqual(await asked([thinking, text]), [undefined, '', undefined, 'So.', undefined]);
  assert.deepEqual(await asked([text]), Array(5).fill(undefined));

  const body =
    '{ "model":"deepseek/deepseek-chat","messages":[{"role":"assistant","content":"a"},{"role":"user","content":"b"}] }';
  const headers = { 'content-type': 'application/json' };
  await fetch(`${gateway.url}/openai/v1/chat/completions`, { method: 'POST', headers, body });
  assert.equal(upstream.requests.at(-1)!.body.toString(), body.replace('deepseek/', ''));
});

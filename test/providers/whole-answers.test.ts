import assert from 'node:assert/strict';
import { test } from 'node:test';
import { providerGateway } from './provider-gateway.ts';

const whole = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude',
  content: [
    { type: 'text', text: 'Let me look.' },
    { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Berlin' } },
  ],
  stop_reason: 'tool_use',
  usage: { input_tokens: 3, output_tokens: 2 },
};

test('an answer that a provider gives as a whole is a stream to a client that asked for one', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  gateway.upstream.always({ json: whole });
  const asked = { model: 'anthropic/claude-sonnet-4-5', messages: [{ role: 'user' as const, content: 'Is it warm?' }] };
  const stream = gateway.client.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
  const { choices, usage } = await stream.finalChatCompletion();
  assert.equal(choices[0]!.message.content, 'Let me look.');
  assert.equal(choices[0]!.finish_reason, 'tool_calls');
  const [call] = choices[0]!.message.tool_calls!;
  assert.deepEqual(call?.type === 'function' && [call.function.name, call.function.arguments], [
    'weather',
    '{"city":"Berlin"}',
  ]);
  assert.equal(usage?.total_tokens, 5);

  const response = await gateway.client.responses.stream({ model: asked.model, input: 'Is it warm?' }).finalResponse();
  assert.equal(response.output_text, 'Let me look.');
  assert.equal(response.output[1]?.type, 'function_call');
});

test("so is one in the client's own format, which is carried otherwise", async () => {
  await using gateway = await providerGateway('providers/openai');
  const message = { role: 'assistant', content: 'It is.', tool_calls: [call('weather', '{"city":"Berlin"}')] };
  gateway.upstream.always({
    json: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'gpt',
      choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    },
  });
  const asked = { model: 'openai/gpt', messages: [{ role: 'user' as const, content: 'Is it warm?' }] };
  const stream = gateway.client.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
  const { choices, usage } = await stream.finalChatCompletion();
  assert.equal(choices[0]!.message.content, 'It is.');
  assert.deepEqual(
    choices[0]!.message.tool_calls!.map(({ id }) => id),
    ['call_weather'],
  );
  assert.equal(choices[0]!.finish_reason, 'tool_calls');
  assert.equal(usage?.total_tokens, 5);
  assert.equal((await stream.allChatCompletions()).length, 1);
});

function call(name: string, args: string): object {
  return { id: `call_${name}`, type: 'function', function: { name, arguments: args } };
}

test('a response and a completion that came whole are streams as well', async () => {
  await using gateway = await providerGateway('providers/openai');
  const text = { type: 'output_text', text: 'It is.', annotations: [] };
  gateway.upstream.reply({
    json: {
      id: 'resp_1',
      object: 'response',
      created_at: 1,
      status: 'completed',
      model: 'gpt',
      output: [{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [text] }],
      usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
    },
  });
  const response = await gateway.client.responses.stream({ model: 'openai/gpt', input: 'Is it warm?' }).finalResponse();
  assert.equal(response.output_text, 'It is.');
  assert.equal(response.usage?.total_tokens, 5);

  gateway.upstream.reply({
    json: {
      id: 'cmpl-1',
      object: 'text_completion',
      created: 1,
      model: 'gpt',
      choices: [{ index: 0, text: 'It is.', finish_reason: 'stop', logprobs: null }],
    },
  });
  const stream = await gateway.client.completions.create({ model: 'openai/gpt', prompt: 'Is it warm?', stream: true });
  let said = '';
  for await (const { choices } of stream) said += choices[0]?.text ?? '';
  assert.equal(said, 'It is.');
});

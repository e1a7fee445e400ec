import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type OpenAI from 'openai';
import { type ProviderGateway, providerGateway } from './provider-gateway.ts';

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [{ type: 'text', text: 'Sunny.' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 7 },
};
const model = 'anthropic/claude-sonnet-4-5';
const call = (id: string, name: string) => ({ id, type: 'function' as const, function: { name, arguments: '{}' } });
const toolHistory: OpenAI.ChatCompletionMessageParam[] = [
  { role: 'user', content: 'How is the weather?' },
  { role: 'assistant', tool_calls: [call('call_1', 'weather'), call('call_2', 'time.now'), call('call_3', 'weather')] },
  { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
  { role: 'tool', tool_call_id: 'call_2', content: 'noon' },
  { role: 'tool', tool_call_id: 'call_3', content: 'sunny' },
  { role: 'user', content: 'Sum it up.' },
];

suite('what Anthropic would refuse', () => {
  let gateway: ProviderGateway;
  before(async () => {
    gateway = await providerGateway('providers/anthropic');
    gateway.upstream.always({ json: message });
  });
  after(() => gateway?.close());
  const sent = () => gateway.last().json as Record<string, unknown>;

  test('a history with calls is sent with their tools, none to be called, when the client offers none any more', async () => {
    const answer = await gateway.client.chat.completions.create({ model, messages: toolHistory });
    const bare = (name: string) => ({ name, input_schema: { type: 'object', properties: {} } });
    assert.deepEqual(sent()['tools'], [bare('weather'), bare('time_now')]);
    assert.deepEqual(sent()['tool_choice'], { type: 'none' });
    assert.equal(answer.choices[0]!.message.content, 'Sunny.');
  });

  test('a history with calls counts its tools when tokens are counted', async () => {
    gateway.upstream.reply({ json: { input_tokens: 42 } });
    await gateway.client.responses.inputTokens.count({
      model,
      input: [
        { role: 'user', content: 'How is the weather?' },
        { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
      ],
    });
    assert.deepEqual(
      (sent()['tools'] as { name: string }[]).map(({ name }) => name),
      ['weather'],
    );
  });

  test('a user who is named by an e-mail address is sent as a hash, the same for the same user', async () => {
    const userIdFor = async (who: { user?: string; safety_identifier?: string }) => {
      await gateway.client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }], ...who });
      return (sent()['metadata'] as { user_id: string }).user_id;
    };
    assert.equal(await userIdFor({ user: 'user-42' }), 'user-42');
    const hashed = await userIdFor({ user: 'ann@example.com' });
    assert.match(hashed, /^[0-9a-f]{64}$/);
    assert.equal(await userIdFor({ safety_identifier: 'ann@example.com' }), hashed);
    assert.notEqual(await userIdFor({ user: 'bob@example.com' }), hashed);
  });
});

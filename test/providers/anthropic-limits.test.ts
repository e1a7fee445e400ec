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
/** A tool use as Anthropic streams it. */
const streamedCall = (name: string, input: object): string[] => {
  const [head, tail] = [JSON.stringify(input).slice(0, 4), JSON.stringify(input).slice(4)];
  const piece = (partial_json: string) => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'input_json_delta', partial_json },
  });
  return [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
    { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 'toolu_1', name, input: {} } },
    piece(head),
    piece(tail),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 7 } },
    { type: 'message_stop' },
  ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
};
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

  suite('property names', () => {
    const text = { type: 'string' };
    const parameters = {
      type: 'object',
      properties: { $filter: text, 'filter[name]': text, _filter: { type: 'object', properties: { $top: text } } },
      required: ['$filter'],
      additionalProperties: false,
    };
    const sentSchema = {
      ...parameters,
      properties: { _filter_2: text, filter_name_: text, _filter: parameters.properties['_filter'] },
      required: ['_filter_2'],
    };
    const input = { _filter_2: 'a', _filter: { $top: '1' }, other: 1 };
    const given = { $filter: 'a', _filter: { $top: '1' }, other: 1 };
    const call = {
      model,
      messages: [{ role: 'user' as const, content: 'Hi' }],
      tools: [{ type: 'function' as const, function: { name: 'list', parameters } }],
    };

    test('are sent as Anthropic takes them, and come back as the client wrote them', async () => {
      const content = [{ type: 'tool_use', id: 'toolu_1', name: 'list', input }];
      gateway.upstream.reply({ json: { ...message, content, stop_reason: 'tool_use' } });
      const answer = await gateway.client.chat.completions.create(call);
      assert.deepEqual(sent()['tools'], [{ name: 'list', input_schema: sentSchema }]);
      const [made] = answer.choices[0]!.message.tool_calls!;
      assert.ok(made?.type === 'function');
      assert.deepEqual(JSON.parse(made.function.arguments), given);
    });

    test('come back so in streams', async () => {
      gateway.upstream.reply({ events: streamedCall('list', input) }, { events: streamedCall('list', {}) });
      const argumentsOf = async () => {
        const answer = await gateway.client.chat.completions.stream(call).finalChatCompletion();
        const [made] = answer.choices[0]!.message.tool_calls!;
        assert.ok(made?.type === 'function');
        return JSON.parse(made.function.arguments) as unknown;
      };
      assert.deepEqual(await argumentsOf(), given);
      assert.deepEqual(await argumentsOf(), {});
    });

    test('of an answer that a tool plays come back so in its text', async () => {
      const schema = { ...parameters, additionalProperties: true };
      const asked = {
        model,
        messages: call.messages,
        response_format: { type: 'json_schema' as const, json_schema: { name: 'x', schema } },
      };
      gateway.upstream.reply({ events: streamedCall('bf_json_answer', input) });
      const text = await gateway.client.chat.completions.stream(asked).finalContent();
      assert.deepEqual((sent()['tools'] as { input_schema: object }[])[0]!.input_schema, {
        ...sentSchema,
        additionalProperties: true,
      });
      assert.deepEqual(JSON.parse(text!), given);
    });
  });
});

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type OpenAI from 'openai';
import { type ProviderGateway, providerGateway } from './provider-gateway.ts';

const usage = { input_tokens: 10, cache_creation_input_tokens: 2, cache_read_input_tokens: 3, output_tokens: 7 };
const message = (content: object[], stop_reason = 'end_turn') => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content,
  stop_reason,
  stop_sequence: null,
  usage,
});

/** A stream as Anthropic sends it: every record has its event name. */
const streamed = (events: { type: string }[]): string[] =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);

const textStream = streamed([
  { type: 'message_start', message: { ...message([]), stop_reason: null, usage: { ...usage, output_tokens: 1 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hel' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'lo' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
] as { type: string }[]);

const tools: OpenAI.ChatCompletionTool[] = [
  {
    type: 'function',
    function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  },
];

suite('anthropic', () => {
  let gateway: ProviderGateway;
  before(async () => {
    gateway = await providerGateway('providers/anthropic', (upstream) => upstream.provider({ betas: ['beta-1'] }));
  });
  after(() => gateway?.close());

  test('sends a chat as Messages, with its own key, version and betas', async () => {
    gateway.upstream.reply({ json: message([{ type: 'text', text: 'Hello' }]) });
    const answer = await gateway.client.chat.completions.create({
      model: 'anthropic/claude-sonnet-4-5',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
      max_completion_tokens: 100,
    });
    const { method, url, headers, json } = gateway.last();
    assert.equal(`${method} ${url}`, 'POST /v1/messages');
    assert.equal(headers['x-api-key'], 'sk-upstream');
    assert.equal(headers['authorization'], undefined);
    assert.equal(headers['anthropic-version'], '2023-06-01');
    assert.equal(headers['anthropic-beta'], 'beta-1');
    const body = json as Record<string, unknown>;
    assert.equal(body['model'], 'claude-sonnet-4-5');
    assert.equal(body['max_tokens'], 100);
    assert.deepEqual(body['system'], [{ type: 'text', text: 'Be brief.' }]);
    assert.equal(answer.choices[0]!.message.content, 'Hello');
    assert.equal(answer.choices[0]!.finish_reason, 'stop');
    assert.equal(answer.usage!.prompt_tokens, 15);
    assert.equal(answer.usage!.prompt_tokens_details!.cached_tokens, 3);
    assert.equal(answer.usage!.completion_tokens, 7);
  });

  test('streams a chat, with the usage that the client asked for', async () => {
    gateway.upstream.reply({ events: textStream });
    const stream = await gateway.client.chat.completions.create({
      model: 'anthropic/claude-sonnet-4-5',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let tokens: number | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      tokens = chunk.usage?.total_tokens ?? tokens;
    }
    assert.equal(text, 'Hello');
    assert.equal(tokens, 22);
    assert.equal((gateway.last().json as { stream: boolean }).stream, true);
  });

  test('serves the stream helpers of chat and responses', async () => {
    gateway.upstream.reply({ events: textStream }, { events: textStream });
    const chat = gateway.client.chat.completions.stream({
      model: 'anthropic/claude-sonnet-4-5',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    assert.equal(await chat.finalContent(), 'Hello');
    const responses = gateway.client.responses.stream({ model: 'anthropic/claude-sonnet-4-5', input: 'Hi' });
    const response = await responses.finalResponse();
    assert.equal(response.output_text, 'Hello');
    assert.equal(response.status, 'completed');
    assert.equal(response.usage!.input_tokens, 15);
  });

  test('serves legacy completions, whole and streamed', async () => {
    gateway.upstream.reply({ json: message([{ type: 'text', text: 'Hello' }], 'max_tokens') }, { events: textStream });
    const model = 'anthropic/claude-sonnet-4-5';
    const whole = await gateway.client.completions.create({ model, prompt: 'Say hello', max_tokens: 5 });
    assert.equal(whole.object, 'text_completion');
    assert.equal(whole.choices[0]!.text, 'Hello');
    assert.equal(whole.choices[0]!.finish_reason, 'length');
    assert.equal(whole.usage!.total_tokens, 22);
    let text = '';
    let finish: string | null = null;
    for await (const chunk of await gateway.client.completions.create({ model, prompt: ['Say hello'], stream: true })) {
      text += chunk.choices[0]?.text ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
    assert.equal(text, 'Hello');
    assert.equal(finish, 'stop');
  });

  test('refuses several prompts in one completion, naming the field', async () => {
    const asked = gateway.client.completions.create({ model: 'anthropic/claude-sonnet-4-5', prompt: ['a', 'b'] });
    await assert.rejects(
      asked,
      (error: InstanceType<typeof OpenAI.APIError>) => error.status === 400 && error.param === 'prompt',
    );
  });

  test('searches the web where OpenAI would, for chats and responses', async () => {
    gateway.upstream.always({ json: message([{ type: 'text', text: 'So' }], 'end_turn') });
    const model = 'anthropic/claude-sonnet-4-5';
    const place = { city: 'Paris', country: 'FR' };
    const { response } = await gateway.client.chat.completions
      .create({
        model,
        messages: [{ role: 'user', content: 'News?' }],
        web_search_options: {
          search_context_size: 'low',
          user_location: { type: 'approximate', approximate: place },
        },
      })
      .withResponse();
    const search = { type: 'web_search_20250305', name: 'web_search' };
    const located = { ...search, user_location: { type: 'approximate', ...place } };
    assert.deepEqual((gateway.last().json as { tools: object[] }).tools, [located]);
    assert.equal(response.headers.get('x-bf-lossy'), 'web_search_options.search_context_size');
    const tools: OpenAI.Responses.Tool[] = [
      { type: 'web_search', filters: { allowed_domains: ['a.example'] } },
      { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
    ];
    await gateway.client.responses.create({ model, input: 'News?', tools });
    const sent = (gateway.last().json as { tools: { name: string }[] }).tools;
    assert.deepEqual(sent[0], { ...search, allowed_domains: ['a.example'] });
    assert.equal(sent[1]!.name, 'f');
    const own = { type: 'function' as const, name: 'web_search', parameters: {}, strict: false };
    const both = await gateway.client.responses
      .create({ model, input: 'News?', tools: [{ type: 'web_search' }, own] })
      .withResponse();
    assert.equal((gateway.last().json as { tools: object[] }).tools.length, 1);
    assert.equal(both.response.headers.get('x-bf-lossy'), 'tools[0]');
  });

  test('brings signed thinking back through a plain OpenAI tool loop', async () => {
    const thinking = { type: 'thinking', thinking: 'The user wants weather.', signature: 'c2lnbmF0dXJl' };
    const use = { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Paris' } };
    gateway.upstream.reply(
      { json: message([thinking, use], 'tool_use') },
      { json: message([{ type: 'text', text: 'Sunny.' }]) },
    );
    const model = 'anthropic/claude-sonnet-4-5';
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Weather in Paris?' }];
    const first = await gateway.client.chat.completions.create({ model, messages, tools, reasoning_effort: 'medium' });
    const said = first.choices[0]!.message;
    assert.equal(first.choices[0]!.finish_reason, 'tool_calls');
    assert.equal((said as { reasoning_content?: string }).reasoning_content, 'The user wants weather.');
    messages.push(said, { role: 'tool', tool_call_id: said.tool_calls![0]!.id, content: 'sunny' });
    await gateway.client.chat.completions.create({ model, messages, tools, reasoning_effort: 'medium' });
    const sent = (gateway.last().json as { messages: { role: string; content: object[] }[] }).messages;
    assert.deepEqual(sent[1]!.content, [thinking, use]);
    assert.deepEqual(sent[2]!.content, [
      { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'sunny' }] },
    ]);
  });

  test('brings signed thinking back through a loop of responses', async () => {
    const thinking = { type: 'thinking', thinking: 'The user wants weather.', signature: 'c2lnbmF0dXJl' };
    const use = { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Paris' } };
    gateway.upstream.reply(
      { json: message([thinking, use], 'tool_use') },
      { json: message([{ type: 'text', text: 'Sunny.' }]) },
    );
    const functions = [{ type: 'function' as const, name: 'weather', parameters: {}, strict: false }];
    const settings = {
      model: 'anthropic/claude-sonnet-4-5',
      tools: functions,
      reasoning: { effort: 'medium' as const },
    };
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Weather in Paris?' }];
    const first = await gateway.client.responses.create({ ...settings, input });
    input.push(...(first.output as OpenAI.Responses.ResponseInputItem[]), {
      type: 'function_call_output',
      call_id: 'toolu_1',
      output: 'sunny',
    });
    await gateway.client.responses.create({ ...settings, input });
    const sent = (gateway.last().json as { messages: { content: object[] }[] }).messages;
    assert.deepEqual(sent[1]!.content, [thinking, use]);
  });

  test('ends a cut stream with an error instead of [DONE]', async () => {
    gateway.upstream.reply({ events: textStream.slice(0, 5), fault: 'cut' });
    const stream = await gateway.client.chat.completions.create({
      model: 'anthropic/claude-sonnet-4-5',
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
    });
    await assert.rejects(async () => {
      for await (const _ of stream);
    }, /before the answer was complete/);
  });

  test('counts input tokens with the provider', async () => {
    gateway.upstream.reply({ json: { input_tokens: 42 } });
    const counted = await gateway.client.responses.inputTokens.count({
      model: 'anthropic/claude-sonnet-4-5',
      input: 'Hi',
    });
    assert.equal(counted.input_tokens, 42);
    const { url, json } = gateway.last();
    assert.equal(url, '/v1/messages/count_tokens');
    assert.deepEqual(Object.keys(json as object).sort(), ['messages', 'model']);
  });

  test('lists the models of the provider', async () => {
    gateway.upstream.reply({
      json: { data: [{ id: 'claude-x', type: 'model', created_at: '2025-09-29T00:00:00Z' }], has_more: false },
    });
    const models = await gateway.client.models.list();
    assert.deepEqual(models.data, [
      { id: 'anthropic/claude-x', object: 'model', created: 1_759_104_000, owned_by: 'anthropic' },
    ]);
  });

  test('refuses embeddings, which Anthropic does not have', async () => {
    const asked = gateway.client.embeddings.create({ model: 'anthropic/claude-sonnet-4-5', input: 'Hi' });
    await assert.rejects(asked, /cannot serve embeddings/);
  });
});

test('obeys the capabilities that the config corrects', async () => {
  const capabilities = { 'claude-new*': { sampling: true, prefill: true, thinking: [] } };
  await using gateway = await providerGateway('providers/anthropic', (upstream) => upstream.provider({ capabilities }));
  gateway.upstream.always({ json: message([{ type: 'text', text: 'Hello' }]) });
  const ask = (model: string) =>
    gateway.client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }], temperature: 0.5 });
  await ask('anthropic/claude-new-1');
  assert.equal((gateway.last().json as { temperature?: number }).temperature, 0.5);
  await ask('anthropic/claude-other-1');
  assert.equal((gateway.last().json as { temperature?: number }).temperature, undefined);
});

for (const [status, type, expected] of [
  [400, 'invalid_request_error', 400],
  [401, 'authentication_error', 401],
  [404, 'not_found_error', 404],
  [429, 'rate_limit_error', 429],
  [529, 'overloaded_error', 529],
] as const) {
  test(`reports a ${status} ${type} in OpenAI's shape`, async () => {
    // A gateway of its own: a refused key rests.
    await using gateway = await providerGateway('providers/anthropic');
    gateway.upstream.reply({ status, json: { type: 'error', error: { type, message: 'No.' }, request_id: 'req_1' } });
    const asked = gateway.client.chat.completions.create({
      model: 'anthropic/claude-sonnet-4-5',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    await assert.rejects(asked, (error: InstanceType<typeof OpenAI.APIError>) => {
      assert.equal(error.status, expected);
      assert.match(error.message, /No\./);
      assert.deepEqual(Object.keys(error.error as object).sort(), ['code', 'message', 'param', 'type']);
      return true;
    });
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type OpenAI from 'openai';
import { providerGateway } from './provider-gateway.ts';

const model = 'anthropic/claude-sonnet-4-5';
const messages = [{ role: 'user' as const, content: 'Prices?' }];

/** An open map, which Anthropic's own structured output does not take: a function stands in for it. */
const schema = {
  type: 'object',
  properties: { prices: { type: 'object', additionalProperties: { type: 'number' } } },
  required: ['prices'],
};
const format = (strict: boolean, wanted: Record<string, unknown> = schema) => ({
  type: 'json_schema' as const,
  json_schema: { name: 'prices', schema: wanted, strict },
});

const answer = (input: unknown, stop = 'tool_use', type = 'tool_use') => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  content: [
    type === 'tool_use' ? { type, id: 'toolu_1', name: 'bf_json_answer', input } : { type: 'text', text: input },
  ],
  stop_reason: stop,
  usage: { input_tokens: 3, output_tokens: 2 },
});

const streamed = (input: unknown, stop = 'tool_use') => [
  { type: 'message_start', message: { ...answer({}), content: [], stop_reason: null } },
  {
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'tool_use', id: 'toolu_1', name: 'bf_json_answer', input: {} },
  },
  {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'input_json_delta', partial_json: JSON.stringify(input) },
  },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
];

const sse = (events: readonly { type: string }[]) => ({
  headers: { 'content-type': 'text/event-stream' },
  body: events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
});

test('refuses an answer by a stand-in function that does not match the strict schema, naming the path', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  gateway.upstream.always({ json: answer({ prices: { apple: 'cheap' } }) });
  await assert.rejects(
    gateway.client.chat.completions.create({ model, messages, response_format: format(true) }),
    (error: InstanceType<typeof OpenAI.APIError>) => {
      assert.equal(error.status, 502);
      assert.equal(error.code, 'output_schema_mismatch');
      assert.match(error.message, /at \/prices\/apple: must be number/);
      return true;
    },
  );
});

test('fails over to the next target when an answer does not match the strict schema', async () => {
  await using gateway = await providerGateway('providers/anthropic', undefined, {
    plugins: { 'plugins/fallbacks': {} },
  });
  gateway.upstream.reply({ json: answer({}) }, { json: answer({ prices: { apple: 1 } }) });
  const { choices } = await gateway.client.chat.completions.create({
    model,
    messages,
    ...({ fallbacks: ['anthropic/claude-opus-4-1'] } as object),
    response_format: format(true),
  });
  assert.equal(choices[0]!.message.content, '{"prices":{"apple":1}}');
});

test('passes answers that match the strict schema, and does not judge without strict', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  gateway.upstream.always({ json: answer({ prices: { apple: 1 } }) });
  const matched = await gateway.client.chat.completions.create({ model, messages, response_format: format(true) });
  assert.equal(matched.choices[0]!.message.content, '{"prices":{"apple":1}}');
  gateway.upstream.always({ json: answer({ other: 1 }) });
  const lenient = await gateway.client.chat.completions.create({ model, messages, response_format: format(false) });
  assert.equal(lenient.choices[0]!.message.content, '{"other":1}');
});

test('does not judge a strict answer that was cut short or refused', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  for (const [stop, reason] of [
    ['max_tokens', 'length'],
    ['refusal', 'content_filter'],
  ] as const) {
    gateway.upstream.always({ json: answer('{"prices":', stop, 'text') });
    const { choices } = await gateway.client.chat.completions.create({
      model,
      messages,
      response_format: format(true),
    });
    assert.equal(choices[0]!.finish_reason, reason);
  }
});

test('does not judge a strict answer that calls a function of the client', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  const call = { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} };
  gateway.upstream.always({ json: { ...answer({}), content: [call] } });
  const { choices } = await gateway.client.chat.completions.create({
    model,
    messages,
    response_format: format(true),
    tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }],
  });
  assert.equal(choices[0]!.finish_reason, 'tool_calls');
});

test('ends a stream whose answer breaks the strict schema with an error and no finish', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  gateway.upstream.always(sse(streamed({ prices: { apple: 'cheap' } })));
  const response = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages, stream: true, response_format: format(true) }),
  });
  const text = await response.text();
  assert.match(text, /output_schema_mismatch/);
  assert.doesNotMatch(text, /\[DONE\]|"finish_reason":"stop"/);
});

test('ends a response stream whose answer breaks the strict schema as failed', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  gateway.upstream.always(sse(streamed({ prices: { apple: 'cheap' } })));
  const text = { format: { type: 'json_schema' as const, name: 'prices', schema, strict: true } };
  const stream = await gateway.client.responses.create({ model, input: 'Prices?', text, stream: true });
  const types: string[] = [];
  await assert.rejects(async () => {
    for await (const event of stream) {
      types.push(event.type);
      if (event.type === 'response.failed' || event.type === 'error') throw new Error(JSON.stringify(event));
    }
  }, /does not match the JSON schema/);
  assert.ok(!types.includes('response.completed'));
});

test('streams an answer that matches the strict schema to its finish', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  gateway.upstream.always(sse(streamed({ prices: { apple: 1 } })));
  const stream = gateway.client.chat.completions.stream({ model, messages, response_format: format(true) });
  const { choices } = await stream.finalChatCompletion();
  assert.deepEqual([choices[0]!.message.content, choices[0]!.finish_reason], ['{"prices":{"apple":1}}', 'stop']);
});

test('leaves the judgement to a provider that holds answers to the schema itself', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  const closed = {
    type: 'object',
    properties: { a: { type: 'string' } },
    required: ['a'],
    additionalProperties: false,
  };
  gateway.upstream.always({ json: answer('{"a":1}', 'end_turn', 'text') });
  const { choices } = await gateway.client.chat.completions.create({
    model,
    messages,
    response_format: format(true, closed),
  });
  assert.equal(choices[0]!.message.content, '{"a":1}');
  assert.ok((gateway.last().json as { output_config?: unknown }).output_config);
});

test('gives up on a schema whose pattern takes for ever, and passes the answer', { timeout: 20_000 }, async () => {
  await using gateway = await providerGateway('providers/anthropic');
  const slow = { ...schema, properties: { prices: { type: 'string', pattern: '^(a+)+$' } } };
  const prices = `${'a'.repeat(60)}b`;
  gateway.upstream.always({ json: answer({ prices }) });
  const open = { ...slow, additionalProperties: true };
  const { choices } = await gateway.client.chat.completions.create({
    model,
    messages,
    response_format: format(true, open),
  });
  assert.equal(choices[0]!.message.content, JSON.stringify({ prices }));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import type { AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import { anthropicMessages } from '../../plugin-sdk/dialects/anthropic-messages/index.ts';
import { GatewayError, isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { serving } from './served-stream.ts';

const chat = anthropicMessages.chat!;
const { meter } = anthropicMessages;
const conversation: Conversation = { model: 'm', messages: [] };
const context = { requestId: 'req1', model: 'client-model', conversation, now: 0 };

function decode(events: readonly JsonObject[], request?: Conversation): AnswerEvent[] {
  const decoder = chat.decodeStream(request);
  const emitted: AnswerEvent[] = [];
  for (const event of events)
    decoder.event({ name: String(event.type), data: JSON.stringify(event) }, (one) => emitted.push(one));
  decoder.end((one) => emitted.push(one));
  return emitted;
}

function encode(events: readonly AnswerEvent[]): string {
  const encoder = chat.encodeStream(context);
  return events.map((event) => encoder.event(event)).join('');
}

/** The message that the SDK's own stream helper makes of a stream. */
function bySdk(stream: string): Promise<Anthropic.Message> {
  return serving(stream, 'text/event-stream', (baseURL) => {
    const client = new Anthropic({ apiKey: 'k', baseURL, maxRetries: 0 });
    return client.messages
      .stream({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] })
      .finalMessage();
  });
}

const started = {
  type: 'message_start',
  message: { id: 'msg_1', model: 'claude', usage: { input_tokens: 3, output_tokens: 1, cache_read_input_tokens: 5 } },
};
const toolStart = (index: number, name: string, id = `t${index}`) => ({
  type: 'content_block_start',
  index,
  content_block: { type: 'tool_use', id, name, input: {} },
});
const json = (index: number, partial_json: string) => ({
  type: 'content_block_delta',
  index,
  delta: { type: 'input_json_delta', partial_json },
});
const stop = (index: number) => ({ type: 'content_block_stop', index });
const ended = (stop_reason: string) => [
  { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
];

test('adds the cache to the input on decode and takes it out on encode', () => {
  const usage = {
    input_tokens: 3,
    cache_creation_input_tokens: 10,
    cache_read_input_tokens: 5,
    cache_creation: { ephemeral_5m_input_tokens: 6, ephemeral_1h_input_tokens: 4 },
    output_tokens: 8,
    output_tokens_details: { thinking_tokens: 2 },
    server_tool_use: { web_search_requests: 1 },
  };
  const answer = chat.decodeAnswer({ content: [], stop_reason: 'end_turn', usage });
  assert.deepEqual(answer.usage, {
    input: 18,
    output: 8,
    cachedInput: 5,
    cacheWriteInput: 10,
    cacheWriteLongInput: 4,
    reasoning: 2,
    searches: 1,
  });
  assert.deepEqual(chat.encodeAnswer(answer, context).usage, usage);
});

test('writes the cache counts even for a format that does not count them', () => {
  const { usage } = chat.encodeAnswer({ choices: [], usage: { input: 9, output: 2 } }, context);
  assert.deepEqual(usage, {
    input_tokens: 9,
    output_tokens: 2,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  });
});

test('reads every stop reason and writes the nearest one for words of other formats', () => {
  const read = (word: string) => chat.decodeAnswer({ content: [], stop_reason: word }).choices[0]!.finish!.reason;
  assert.deepEqual(
    [
      'end_turn',
      'stop_sequence',
      'pause_turn',
      'max_tokens',
      'model_context_window_exceeded',
      'tool_use',
      'refusal',
      'new_word',
    ].map(read),
    ['stop', 'stop', 'pause', 'length', 'length', 'tool-calls', 'content-filter', 'stop'],
  );
  const written = (finish: { reason: 'stop' | 'length' | 'tool-calls' | 'content-filter'; native: string }) =>
    chat.encodeAnswer({ choices: [{ index: 0, blocks: [], finish }] }, context).stop_reason;
  assert.deepEqual(
    [
      written({ reason: 'stop', native: 'stop' }),
      written({ reason: 'length', native: 'MAX_TOKENS' }),
      written({ reason: 'tool-calls', native: 'STOP' }),
      written({ reason: 'content-filter', native: 'SAFETY' }),
    ],
    ['end_turn', 'max_tokens', 'tool_use', 'refusal'],
  );
});

test('tells the explanation of a refusal, and puts it back where it was', () => {
  const body = {
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'c',
    content: [],
    stop_reason: 'refusal',
    stop_sequence: null,
    stop_details: { type: 'refusal', explanation: 'no' },
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  const answer = chat.decodeAnswer(body);
  assert.deepEqual(
    answer.choices[0]!.blocks.map((block) => block.type === 'refusal' && block.text),
    ['no'],
  );
  assert.deepEqual(chat.encodeAnswer(answer, context), body);
});

test('turns the answer tool back into text with finish stop', () => {
  const call = { type: 'tool_use', id: 't', name: 'bf_json_answer', input: { name: 'Ann' } };
  const [choice] = chat.decodeAnswer({ content: [call], stop_reason: 'tool_use' }).choices;
  assert.deepEqual(choice!.blocks, [{ type: 'text', text: '{"name":"Ann"}' }]);
  assert.deepEqual(choice!.finish, { reason: 'stop', native: 'tool_use' });
});

test('does not leak the answer tool into a stream', () => {
  const events = decode([
    started,
    toolStart(0, 'bf_json_answer'),
    json(0, '{"a"'),
    json(0, ':1}'),
    stop(0),
    ...ended('tool_use'),
  ]);
  assert.equal(
    events.some((event) => JSON.stringify(event).includes('bf_json')),
    false,
  );
  assert.equal(
    events
      .filter((event) => event.type === 'text')
      .map(({ text }) => text)
      .join(''),
    '{"a":1}',
  );
  const finish = events.find((event) => event.type === 'finish');
  assert.equal(finish!.finish.reason, 'stop');
});

test('gives a call without fragments the arguments {} once', () => {
  const events = decode([started, toolStart(0, 'f'), json(0, ''), stop(0), ...ended('tool_use')]);
  assert.deepEqual(
    events.filter((event) => event.type === 'arguments').map(({ text }) => text),
    ['{}'],
  );
});

test('unwraps the input of a free-text tool', () => {
  const request: Conversation = { ...conversation, tools: [{ type: 'custom', name: 'sql' }] };
  const events = decode(
    [started, toolStart(0, 'sql'), json(0, '{"input":"sel'), json(0, 'ect"}'), stop(0), ...ended('tool_use')],
    request,
  );
  assert.deepEqual(
    events.filter((event) => event.type === 'arguments').map(({ text }) => text),
    ['select'],
  );
});

test('counts a stream by its last words, with what only its start said', () => {
  const usage = decode([started, ...ended('end_turn')]).find((event) => event.type === 'usage')!.usage;
  assert.deepEqual(usage, { input: 8, output: 7, cachedInput: 5 });
});

test('calls a stream without message_stop cut', () => {
  assert.throws(
    () => decode([started]),
    (error) => isGatewayError(error) && error.code === 'UP_STREAM_CUT',
  );
  const [delta] = ended('end_turn');
  assert.throws(
    () => decode([started, delta!]),
    (error) => isGatewayError(error) && error.code === 'UP_STREAM_CUT',
  );
});

test('throws an error event with the status that its type stands for', () => {
  const failing = (type: string) => () => decode([started, { type: 'error', error: { type, message: 'busy' } }]);
  for (const [type, status] of [
    ['overloaded_error', 529],
    ['rate_limit_error', 429],
    ['api_error', 500],
  ] as const) {
    assert.throws(failing(type), (error) => {
      assert.ok(isGatewayError(error) && error.code === 'UP_STREAM_ERROR');
      assert.deepEqual([error.status, error.message, error.type], [status, 'busy', type]);
      return true;
    });
  }
});

test('passes on events that only this dialect knows', () => {
  const event = { type: 'new_event', value: 1 };
  const [, native] = decode([started, event, ...ended('end_turn')]);
  assert.deepEqual(native, { type: 'native', dialect: 'anthropic.messages', value: event, name: 'new_event' });
  assert.equal(encode([native!]), 'event: new_event\ndata: {"type":"new_event","value":1}\n\n');
});

test('names every record of a stream', () => {
  const stream = encode([
    { type: 'start' },
    { type: 'block-start', choice: 0, block: 0, head: { type: 'text' } },
    { type: 'text', choice: 0, block: 0, text: 'a\nb' },
    { type: 'end' },
  ]);
  for (const record of stream.trimEnd().split('\n\n')) {
    const [name, data] = record.split('\n');
    assert.equal(name, `event: ${JSON.parse(data!.slice(6)).type}`);
  }
});

const interleaved: AnswerEvent[] = [
  { type: 'start', id: 'chatcmpl-1', model: 'gpt' },
  { type: 'block-start', choice: 0, block: 0, head: { type: 'reasoning' } },
  { type: 'reasoning', choice: 0, block: 0, text: 'hm' },
  { type: 'block-end', choice: 0, block: 0 },
  { type: 'block-start', choice: 0, block: 1, head: { type: 'tool-call', id: 'a', name: 'f' } },
  { type: 'arguments', choice: 0, block: 1, text: '{"x":' },
  { type: 'block-start', choice: 0, block: 2, head: { type: 'tool-call', id: 'b', name: 'g', maker: 'google' } },
  { type: 'arguments', choice: 0, block: 2, text: '{"y":2}' },
  { type: 'signature', choice: 0, block: 2, signature: 'thought' },
  { type: 'arguments', choice: 0, block: 1, text: '1}' },
  { type: 'block-end', choice: 0, block: 2 },
  { type: 'block-end', choice: 0, block: 1 },
  { type: 'finish', choice: 0, finish: { reason: 'tool-calls', native: 'tool_calls' } },
  { type: 'usage', usage: { input: 10, output: 4, cachedInput: 6 } },
  { type: 'end' },
];

test("streams interleaved parallel calls one after the other to Anthropic's own client", async () => {
  const message = await bySdk(encode(interleaved));
  assert.deepEqual(
    message.content
      .filter((block) => block.type === 'tool_use')
      .map(({ id, name, input }) => [id, name, { ...(input as object) }]),
    [
      ['a', 'f', { x: 1 }],
      ['b', 'g', { y: 2 }],
    ],
  );
  assert.deepEqual(
    message.content.map(({ type }) => type),
    ['thinking', 'tool_use', 'tool_use', 'redacted_thinking'],
  );
  assert.equal(message.stop_reason, 'tool_use');
  assert.deepEqual(
    [message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens],
    [4, 6, 4],
  );
});

test('holds message_delta until the usage or the end', () => {
  const before = encode(interleaved.slice(0, -2));
  assert.equal(before.includes('message_delta'), false);
  assert.match(encode([...interleaved.slice(0, -2), { type: 'end' }]), /message_delta.*message_stop/s);
});

test('writes the end of a block at once', () => {
  const encoder = chat.encodeStream(context);
  encoder.event({ type: 'block-start', choice: 0, block: 0, head: { type: 'text' } });
  assert.match(String(encoder.event({ type: 'block-end', choice: 0, block: 0 })), /^event: content_block_stop\n/);
});

test('closes what is open when a stream ends', async () => {
  const message = await bySdk(
    encode([
      { type: 'block-start', choice: 0, block: 0, head: { type: 'text' } },
      { type: 'text', choice: 0, block: 0, text: 'hi' },
      { type: 'end' },
    ]),
  );
  assert.deepEqual(
    [message.id, message.model, message.content.map((block) => block.type === 'text' && block.text)],
    ['msg_req1', 'client-model', ['hi']],
  );
});

test("reports an error inside a stream so that Anthropic's client throws it", async () => {
  const error = new GatewayError('UP_STREAM_CUT', { provider: 'X' });
  await assert.rejects(
    bySdk(encode(interleaved.slice(0, 3)) + anthropicMessages.encodeStreamError(error, 'req1')),
    /ended the stream/,
  );
});

test('meters the top-level usage even when a tool input holds one', () => {
  const input = { usage: { input_tokens: 99, output_tokens: 99 }, stop_reason: 'no' };
  const body = {
    model: 'c',
    content: [
      { type: 'tool_use', input },
      { type: 'text', text: 'say "usage": {"input_tokens": 1}' },
    ],
    stop_reason: 'tool_use',
    usage: { input_tokens: 1, output_tokens: 2 },
  };
  const usageFirst = { usage: body.usage, stop_reason: 'tool_use', model: 'c', content: body.content };
  for (const written of [JSON.stringify(body), JSON.stringify(body, null, 2), JSON.stringify(usageFirst)]) {
    assert.deepEqual(meter.json(Buffer.from(written)), {
      usage: { input: 1, output: 2 },
      finish: 'tool_use',
      model: 'c',
    });
  }
});

test('meters an error body that came with status 200', () => {
  const body = Buffer.from('{"type":"error","error":{"type":"overloaded_error","message":"busy"}}');
  assert.deepEqual(meter.json(body).problem, { status: 529, message: 'busy', type: 'overloaded_error' });
});

test('does not commit a stream before its first content', () => {
  const read = meter.stream();
  const kinds = [started, { type: 'ping' }, toolStart(0, 'f'), json(0, '{}'), ...ended('tool_use')].map(
    (event) => read({ name: event.type, data: JSON.stringify(event) }).kind,
  );
  assert.deepEqual(kinds, ['preamble', 'preamble', 'preamble', 'content', 'content', 'done']);
});

test('calls a body without content unreadable', () => {
  assert.throws(
    () => chat.decodeAnswer({ type: 'message' }),
    (error) => isGatewayError(error) && error.code === 'UP_BAD_BODY',
  );
});

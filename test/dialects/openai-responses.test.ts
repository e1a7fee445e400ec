import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import type { AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import { openaiChat } from '../../plugin-sdk/dialects/openai-chat/index.ts';
import { openaiResponses } from '../../plugin-sdk/dialects/openai-responses/index.ts';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../../plugin-sdk/json.ts';
import { recordingsMissing } from '../recordings.ts';
import {
  answerContext,
  chatDelta,
  chatStream,
  decodedEvents,
  encodedAnswer,
  encodedStream,
  encodeFor,
  payloads,
} from './codec-contexts.ts';
import { answerBodies, interactionsAt, requestBodies, streamTexts } from './openai-endpoints.ts';
import { serving } from './served-stream.ts';

const codec = openaiResponses.chat!;

test('gives every recorded responses request back as it was', { skip: recordingsMissing }, (t) => {
  const bodies = requestBodies(interactionsAt(/\/responses(\/.*)?$/));
  for (const { name, body } of bodies) {
    const { body: encoded, lost } = encodeFor(openaiResponses, codec.decodeRequest(body));
    assert.deepEqual(encoded, body, name);
    assert.deepEqual(lost, [], name);
  }
  t.diagnostic(`${bodies.length} of ${bodies.length} recorded requests are equal`);
});

test('gives every recorded response object back as it was', { skip: recordingsMissing }, (t) => {
  // Token counts (/responses/input_tokens) are no response objects.
  const bodies = answerBodies(interactionsAt(/\/responses(\/.*)?$/)).filter(
    ({ body }) => body['object'] !== 'response.input_tokens',
  );
  for (const { name, body } of bodies)
    assert.deepEqual(encodedAnswer(openaiResponses, codec.decodeAnswer(body)), body, name);
  t.diagnostic(`${bodies.length} of ${bodies.length} recorded responses are equal`);
});

test('gives every recorded responses stream back event for event', { skip: recordingsMissing }, (t) => {
  const streams = streamTexts(interactionsAt(/\/responses$/));
  let events = 0;
  for (const { name, request, text } of streams) {
    const written = encodedStream(
      openaiResponses,
      decodedEvents(openaiResponses, text),
      answerContext(codec.decodeRequest(request)),
    );
    const numbers = payloads(written).map(({ sequence_number: number }) => number);
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i),
      name,
    );
    const original = payloads(text).map(comparable);
    assert.deepEqual(payloads(written).map(comparable), original, name);
    events += original.length;
  }
  t.diagnostic(`${streams.length} of ${streams.length} recorded streams are equal, ${events} events`);
});

/**
 * An event without what does not come back: random padding, the older streams' missing sequence numbers and empty
 * logprobs, and the digits that OpenAI itself drops from logprobs when it repeats them.
 */
function comparable({ sequence_number: _, obfuscation: __, ...event }: JsonObject): JsonObject {
  return JSON.parse(
    JSON.stringify(event, (key, value: JsonValue) => {
      if (key === 'logprobs' && Array.isArray(value) && value.length === 0) return undefined;
      return key === 'logprob' && typeof value === 'number' ? Math.round(value * 1e4) + 0 : value;
    }),
  ) as JsonObject;
}

test('makes one assistant message of reasoning, words and calls in a row', () => {
  const input = [
    { role: 'user', content: 'hi' },
    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 's' }], encrypted_content: 'E' },
    {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'a', annotations: [] }],
    },
    { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c', output: 'r' },
    { type: 'item_reference', id: 'x' },
  ];
  const conversation = codec.decodeRequest({ model: 'm', instructions: 'be brief', input });
  assert.deepEqual(
    conversation.messages.map(({ role, blocks }) => [role, ...blocks.map(({ type }) => type)]),
    [
      ['system', 'text'],
      ['user', 'text'],
      ['assistant', 'reasoning', 'text', 'tool-call'],
      ['user', 'tool-result'],
      ['assistant', 'provider-item'],
    ],
  );
  assert.deepEqual(encodeFor(openaiResponses, conversation).body['input'], input);
});

test('becomes a chat request: instructions first, calls merged into one assistant message, limits renamed', () => {
  const { body, lost } = encodeFor(
    openaiChat,
    codec.decodeRequest({
      model: 'm',
      instructions: 'be brief',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'look' },
            { type: 'input_image', image_url: 'https://a/b.png', detail: 'low' },
          ],
        },
        { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}', status: 'completed' },
        { type: 'function_call', call_id: 'b', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'a', output: 'A' },
        { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'B' }] },
      ],
      tools: [{ type: 'function', name: 'f', parameters: {}, strict: true }],
      tool_choice: { type: 'function', name: 'f' },
      text: { format: { type: 'json_schema', name: 'n', schema: {}, strict: true }, verbosity: 'low' },
      reasoning: { effort: 'low' },
      max_output_tokens: 20,
      prompt_cache_key: 'k',
      truncation: 'auto',
      stream: false,
    }),
  );
  assert.deepEqual(body, {
    model: 'm',
    messages: [
      { role: 'system', content: 'be brief' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'look' },
          { type: 'image_url', image_url: { url: 'https://a/b.png', detail: 'low' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: ['a', 'b'].map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
      },
      { role: 'tool', tool_call_id: 'a', content: 'A' },
      { role: 'tool', tool_call_id: 'b', content: 'B' },
    ],
    tools: [{ type: 'function', function: { name: 'f', parameters: {}, strict: true } }],
    tool_choice: { type: 'function', function: { name: 'f' } },
    response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {}, strict: true } },
    verbosity: 'low',
    reasoning_effort: 'low',
    max_completion_tokens: 20,
    prompt_cache_key: 'k',
    stream: false,
  });
  assert.deepEqual(lost, ['truncation']);
});

test('is written from a chat request without state at OpenAI, with strict false where chat means false', () => {
  const { body, lost } = encodeFor(
    openaiResponses,
    openaiChat.chat!.decodeRequest({
      model: 'm',
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'hi', name: 'bob' },
        {
          role: 'assistant',
          content: 'yo',
          tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'g', input: 'x' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: 'r' },
      ],
      tools: [{ type: 'function', function: { name: 'f', parameters: {} } }],
      max_tokens: 9,
      reasoning_effort: 'high',
      stop: 'END',
      seed: 1,
      n: 2,
    }),
  );
  assert.deepEqual(body, {
    model: 'm',
    instructions: 'be brief',
    input: [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'yo' },
      { type: 'custom_tool_call', call_id: 'a', name: 'g', input: 'x' },
      { type: 'custom_tool_call_output', call_id: 'a', output: 'r' },
    ],
    tools: [{ type: 'function', name: 'f', parameters: {}, strict: false }],
    max_output_tokens: 9,
    reasoning: { effort: 'high' },
    include: ['reasoning.encrypted_content'],
    store: false,
  });
  assert.deepEqual(lost.sort(), ['messages[1].name', 'n', 'seed', 'stop']);
});

test('rejects a body that is not a responses request and names the field', () => {
  for (const [body, param] of [
    [{ input: 7 }, 'input'],
    [{ input: [7] }, 'input[0]'],
    [{ input: [{ role: 7, content: 'x' }] }, 'input[0].role'],
    [{ input: [{ role: 'user', content: 7 }] }, 'input[0].content'],
    [{ tools: [{ type: 'function' }] }, 'tools[0].name'],
  ] as [JsonObject, string][]) {
    assert.throws(
      () => codec.decodeRequest(body),
      (error) => isGatewayError(error) && error.code === 'REQ_INVALID' && error.param === param,
      param,
    );
  }
  assert.throws(() => codec.decodeRequest({ input: 7 }), { text: 'input must be a string or an array of items.' });
});

test('states usage details, echoes the request and prefixes ids by type', () => {
  const conversation = codec.decodeRequest({
    model: 'm',
    input: 'x',
    instructions: 'i',
    temperature: 0.5,
    tools: [{ type: 'function', name: 'f', parameters: {} }],
    metadata: { a: 'b' },
    text: { verbosity: 'low' },
  });
  const answer = encodedAnswer(
    openaiResponses,
    {
      choices: [
        {
          index: 0,
          blocks: [
            { type: 'reasoning', text: 'hm', signature: 'SIG', maker: 'anthropic' },
            { type: 'text', text: 'hi' },
            { type: 'tool-call', id: 'call_1', name: 'f', arguments: '{}' },
          ],
          finish: { reason: 'length', native: 'max_tokens' },
        },
      ],
      usage: { input: 3, output: 2 },
    },
    answerContext(conversation),
  );
  const output = answer['output'] as JsonObject[];
  assert.deepEqual(
    output.map(({ id, type }) => [String(id).split('_')[0], type]),
    [
      ['rs', 'reasoning'],
      ['msg', 'message'],
      ['fc', 'function_call'],
    ],
  );
  assert.deepEqual(answer['usage'], {
    input_tokens: 3,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: 2,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 5,
  });
  assert.equal(answer['status'], 'incomplete');
  assert.deepEqual(answer['incomplete_details'], { reason: 'max_output_tokens' });
  assert.deepEqual([answer['instructions'], answer['temperature'], answer['metadata']], ['i', 0.5, { a: 'b' }]);
  for (const field of [
    'error',
    'max_output_tokens',
    'previous_response_id',
    'parallel_tool_calls',
    'tool_choice',
    'top_p',
    'truncation',
    'store',
    'reasoning',
  ])
    assert.ok(field in answer, field);
  const [back] = codec.decodeRequest({ model: 'm', input: output }).messages;
  const [thinking] = back!.blocks;
  assert.ok(thinking?.type === 'reasoning');
  assert.deepEqual([thinking.text, thinking.signature, thinking.maker], ['hm', 'SIG', 'anthropic']);
});

const events: readonly AnswerEvent[] = [
  { type: 'start' },
  { type: 'block-start', choice: 0, block: 0, head: { type: 'reasoning', maker: 'anthropic' } },
  { type: 'reasoning', choice: 0, block: 0, text: 'hm' },
  { type: 'signature', choice: 0, block: 0, signature: 'SIG' },
  { type: 'block-end', choice: 0, block: 0 },
  { type: 'block-start', choice: 0, block: 1, head: { type: 'text' } },
  { type: 'text', choice: 0, block: 1, text: 'he' },
  { type: 'block-start', choice: 0, block: 2, head: { type: 'tool-call', id: 'call_1', name: 'f' } },
  { type: 'text', choice: 0, block: 1, text: 'y' },
  { type: 'arguments', choice: 0, block: 2, text: '{}' },
  { type: 'block-end', choice: 0, block: 1 },
  { type: 'block-end', choice: 0, block: 2 },
  { type: 'finish', choice: 0, finish: { reason: 'tool-calls' } },
  { type: 'usage', usage: { input: 1, output: 2 } },
  { type: 'end' },
];

test('streams in the canonical order, holding back what interleaves, with rising numbers and no [DONE]', () => {
  const text = encodedStream(openaiResponses, events);
  assert.deepEqual(
    payloads(text).map(({ type }) => type),
    [
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ],
  );
  payloads(text).forEach((event, i) => {
    assert.equal(event['sequence_number'], i);
  });
  for (const [, name, type] of text.matchAll(/event: (.*)\ndata: \{"type":"(.*?)"/g)) assert.equal(name, type);
  assert.doesNotMatch(text, /\[DONE\]/);
});

test('repeats the whole output at the end, under the ids that were streamed', () => {
  const all = payloads(encodedStream(openaiResponses, events));
  const done = all.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item);
  const response = all.at(-1)!['response'] as JsonObject;
  assert.deepEqual(response['output'], done);
  assert.equal(new Set(all.flatMap(({ response: one }) => (isObject(one) ? [one['id']] : []))).size, 1);
  assert.deepEqual((response['usage'] as JsonObject)['total_tokens'], 3);
});

test('ends with response.incomplete or response.failed when the answer did not complete', () => {
  const ending = (reason: 'length' | 'content-filter' | 'error') =>
    payloads(
      encodedStream(openaiResponses, [
        { type: 'start' },
        { type: 'finish', choice: 0, finish: { reason } },
        { type: 'end' },
      ]),
    ).at(-1)!;
  assert.deepEqual(
    [ending('length')['type'], (ending('length')['response'] as JsonObject)['incomplete_details']],
    ['response.incomplete', { reason: 'max_output_tokens' }],
  );
  assert.equal(ending('content-filter')['type'], 'response.incomplete');
  assert.equal(ending('error')['type'], 'response.failed');
});

test('streams a chat answer so that the OpenAI SDK puts the response together', async () => {
  const chat = chatStream(
    chatDelta({ role: 'assistant', content: '' }),
    chatDelta({ reasoning_content: 'hm' }),
    chatDelta({ content: 'he' }),
    chatDelta({ content: 'y' }),
    chatDelta({
      tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a"' } }],
    }),
    chatDelta({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
    chatDelta({}, 'tool_calls'),
    { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } },
  );
  const text = encodedStream(
    openaiResponses,
    decodedEvents(openaiChat, chat),
    answerContext(codec.decodeRequest({ model: 'm', input: 'x' })),
  );
  await serving(text, 'text/event-stream', async (baseURL) => {
    const client = new OpenAI({ apiKey: 'k', baseURL, maxRetries: 0 });
    const response = await client.responses.stream({ model: 'm', input: 'x' }).finalResponse();
    assert.equal(response.output_text, 'hey');
    assert.equal(response.status, 'completed');
    assert.deepEqual(
      response.output.map(({ type }) => type),
      ['reasoning', 'message', 'function_call'],
    );
    const call = response.output[2]!;
    assert.ok(call.type === 'function_call' && call.arguments === '{"a":1}' && call.call_id === 'call_1');
    assert.equal(response.usage?.output_tokens, 2);
  });
});

test('streams a response to a chat client, with usage and the encrypted reasoning', () => {
  const stream = encodedStream(openaiResponses, events);
  const chat = payloads(
    encodedStream(openaiChat, decodedEvents(openaiResponses, stream), answerContext({ streamUsage: true })),
  );
  const text = JSON.stringify(chat);
  assert.match(text, /"reasoning_content":"hm"/);
  assert.match(text, /"signature":"SIG"/);
  assert.match(text, /"finish_reason":"tool_calls"/);
  assert.equal((chat.at(-1)!['usage'] as JsonObject)['total_tokens'], 3);
});

test('throws when the stream ends before response.completed', () => {
  const cut = encodedStream(openaiResponses, events.slice(0, -1));
  assert.throws(
    () => decodedEvents(openaiResponses, cut),
    (error) => isGatewayError(error) && error.code === 'UP_STREAM_CUT',
  );
});

test('throws what the provider said when a response fails or an error event comes', () => {
  const cases: [JsonObject, number, string][] = [
    [
      { type: 'response.failed', response: { error: { code: 'rate_limit_exceeded', message: 'm' } } },
      429,
      'rate_limit_exceeded',
    ],
    [{ type: 'error', code: 'server_error', message: 'm', param: null }, 502, 'server_error'],
    [{ error: { message: 'm', type: 'invalid_request_error', code: 'bad' } }, 400, 'bad'],
  ];
  for (const [data, status, code] of cases) {
    const decoder = codec.decodeStream();
    assert.throws(
      () => decoder.event({ data: JSON.stringify(data) }, () => {}),
      (error) =>
        isGatewayError(error) &&
        error.code === 'UP_STREAM_ERROR' &&
        error.status === status &&
        error.openaiCode === code,
    );
  }
});

test('reads a server that gives its output only at the end', () => {
  const response = {
    id: 'r',
    status: 'completed',
    output: [{ type: 'message', id: 'm', role: 'assistant', content: [{ type: 'output_text', text: 'hi' }] }],
  };
  const read = decodedEvents(openaiResponses, [{ data: JSON.stringify({ type: 'response.completed', response }) }]);
  assert.ok(read.some((event) => event.type === 'text' && event.text === 'hi'));
});

test('encodes the same again when asked again', () => {
  const conversation: Conversation = {
    model: 'm',
    messages: [{ role: 'user', blocks: [{ type: 'text', text: 'x' }] }],
  };
  assert.deepEqual(encodeFor(openaiResponses, conversation), encodeFor(openaiResponses, conversation));
  const answer = { choices: [{ index: 0, blocks: [{ type: 'text', text: 'x' }] }] } as const;
  assert.deepEqual(encodedAnswer(openaiResponses, answer), encodedAnswer(openaiResponses, answer));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEvent } from '../../plugin-sdk/conversation/index.ts';
import {
  anthropicMessages,
  bedrockConverse,
  cohereChat,
  geminiGenerateContent,
  openaiChat,
  openaiResponses,
} from '../../plugin-sdk/dialects/index.ts';
import { openaiCapabilities } from '../../plugin-sdk/dialects/openai/model-facts.ts';
import { GatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
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
import { framedEvents } from './sse.ts';

const request = (body: JsonObject) =>
  anthropicMessages.chat!.decodeRequest({ model: 'm', max_tokens: 64, messages: [said('Hi')], ...body });
const said = (text: string, role = 'user'): JsonObject => ({ role, content: text });
const called: JsonObject = { type: 'tool_use', id: 'toolu_1', name: 'find', input: {} };
const answered = (...content: JsonObject[]): JsonObject => ({ type: 'tool_result', tool_use_id: 'toolu_1', content });

const searchResult: JsonObject = {
  type: 'search_result',
  source: 'https://a.example',
  title: 'A page',
  content: [
    { type: 'text', text: 'One.' },
    { type: 'text', text: 'Two.' },
  ],
  citations: { enabled: true },
};
const pieces: JsonObject = {
  type: 'document',
  title: 'Notes',
  source: {
    type: 'content',
    content: [
      { type: 'text', text: 'Three.' },
      { type: 'text', text: 'Four.', cache_control: { type: 'ephemeral' } },
    ],
  },
};
const found: JsonObject = {
  model: 'm',
  max_tokens: 64,
  messages: [
    { role: 'user', content: [searchResult, pieces, { type: 'text', text: 'What is it?' }] },
    { role: 'assistant', content: [called] },
    { role: 'user', content: [answered(searchResult, { type: 'tool_reference', tool_name: 'get_weather' }, pieces)] },
  ],
};

test('tells every other format the words of search results, of documents in pieces and of found tools', () => {
  const conversation = anthropicMessages.chat!.decodeRequest(found);
  for (const dialect of [openaiChat, openaiResponses, geminiGenerateContent, bedrockConverse, cohereChat]) {
    const { body, lost } = encodeFor(dialect, conversation);
    const text = JSON.stringify(body);
    for (const words of ['A page', 'https://a.example', 'One.', 'Two.', 'Three.', 'Four.', 'get_weather'])
      assert.ok(text.includes(words), `${words} to ${dialect.id}`);
    assert.deepEqual(
      lost.filter((path) => !path.endsWith('.citations')),
      [],
      dialect.id,
    );
  }
});

test('gives them back to Anthropic as they were, and as blocks of their kind when somebody changed the words', () => {
  const conversation = anthropicMessages.chat!.decodeRequest(found);
  assert.deepEqual(encodeFor(anthropicMessages, conversation).body, found);
  const [first, ...rest] = conversation.messages;
  const [searched, document, ...more] = first!.blocks;
  assert.ok(searched?.type === 'text' && document?.type === 'file');
  const changed = [
    { ...searched, text: 'Hidden.' },
    { ...document, source: { kind: 'text' as const, text: 'Hidden.' } },
    ...more,
  ];
  const { body } = encodeFor(anthropicMessages, {
    ...conversation,
    messages: [{ ...first!, blocks: changed }, ...rest],
  });
  const [{ content }] = body['messages'] as [{ content: JsonObject[] }];
  assert.deepEqual(content.slice(0, 2), [
    { ...searchResult, content: [{ type: 'text', text: 'Hidden.' }] },
    { ...pieces, source: { type: 'text', media_type: 'text/plain', data: 'Hidden.' } },
  ]);
});

test("a document of text in a tool's result stays in the tool message", () => {
  const document = { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'All of it.' } };
  const messages = [
    said('Hi'),
    { role: 'assistant', content: [called] },
    { role: 'user', content: [answered(document)] },
  ];
  const { body } = encodeFor(openaiChat, request({ messages }));
  assert.deepEqual((body['messages'] as JsonObject[]).slice(2), [
    { role: 'tool', tool_call_id: 'toolu_1', content: [{ type: 'text', text: 'All of it.' }] },
  ]);
});

test('a last turn of the assistant is gone on with where the target does that, and else reported', () => {
  const conversation = request({ system: 'Be brief.', messages: [said('Hi'), said('{', 'assistant')] });
  assert.deepEqual(encodeFor(openaiChat, conversation).lost, ['messages[1]']);
  assert.deepEqual(encodeFor(openaiResponses, conversation).lost, ['messages[1]']);
  assert.deepEqual(encodeFor(openaiChat, conversation, { capabilities: { continuesAssistant: true } }).lost, []);
  const told = encodeFor(openaiChat, conversation, { capabilities: { continuesAssistant: 'continue_final_message' } });
  const { continue_final_message, add_generation_prompt } = told.body;
  assert.deepEqual([continue_final_message, add_generation_prompt, told.lost], [true, false, []]);
  const calling = [said('Hi'), { role: 'assistant', content: [called] }, { role: 'user', content: [answered()] }];
  assert.deepEqual(encodeFor(openaiChat, request({ messages: calling })).lost, []);
});

test('an output schema is strict at OpenAI where it fits strict mode, as Anthropic holds its models to every schema', () => {
  const closed = { type: 'object', additionalProperties: false };
  const schemaOf = (properties: JsonObject, required: string[]) => ({ ...closed, properties, required });
  const inner = schemaOf({ b: { type: ['string', 'null'], description: 'B' } }, ['b']);
  const strictOf = (schema: JsonObject): unknown[] => {
    const conversation = request({ output_config: { format: { type: 'json_schema', schema } } });
    const capabilities = openaiCapabilities({})('gpt-4o');
    const chat = encodeFor(openaiChat, conversation, { capabilities }).body['response_format'] as JsonObject;
    const { format } = encodeFor(openaiResponses, conversation, { capabilities }).body['text'] as {
      format: JsonObject;
    };
    return [(chat['json_schema'] as JsonObject)['strict'], format['strict']];
  };
  assert.deepEqual(strictOf(schemaOf({ a: { type: 'array', items: inner } }, ['a'])), [true, true]);
  for (const schema of [
    schemaOf({ a: inner, c: { type: 'string' } }, ['a']),
    schemaOf({ a: { type: 'string', minLength: 2 } }, ['a']),
    schemaOf({ a: { ...inner, additionalProperties: true } }, ['a']),
    { type: 'object', properties: {} },
  ])
    assert.deepEqual(strictOf(schema), [undefined, false], JSON.stringify(schema));
});

test('citations of earlier answers are named as lost, since servers that check a turn refuse annotations in it', () => {
  const citation = { type: 'web_search_result_location', url: 'https://a.example', title: 'A', cited_text: 'c' };
  const content = [{ type: 'text', text: 'So it is.', citations: [{ ...citation, encrypted_index: 'e' }] }];
  const messages = [said('Hi'), { role: 'assistant', content }, said('And?')];
  const { body, lost } = encodeFor(openaiChat, request({ messages }));
  assert.deepEqual((body['messages'] as JsonObject[])[1], { role: 'assistant', content: 'So it is.' });
  assert.deepEqual(lost, ['messages[1].content[0].citations']);
});

for (const [kind, fragments, input] of [
  ['null', ['null'], {}],
  ['a list', ['[', '1]'], { value: [1] }],
  ['a text', [' "Graz"'], { value: 'Graz' }],
  ['nothing', [' '], {}],
  ['an object in pieces', [' ', '{"a"', ':1}'], { a: 1 }],
] as const) {
  test(`a streamed call with ${kind} for arguments has an object for its input`, () => {
    const deltas: AnswerEvent[] = fragments.map((text) => ({ type: 'arguments', choice: 0, block: 0, text }));
    const written = payloads(
      encodedStream(anthropicMessages, [
        { type: 'start' },
        { type: 'block-start', choice: 0, block: 0, head: { type: 'tool-call', id: 'c1', name: 'find' } },
        ...deltas,
        { type: 'block-end', choice: 0, block: 0 },
        { type: 'finish', choice: 0, finish: { reason: 'tool-calls' } },
        { type: 'end' },
      ]),
    );
    const json = written.map(({ delta }) => (delta as JsonObject | undefined)?.['partial_json'] ?? '').join('');
    assert.deepEqual(JSON.parse(json || '{}'), input);
    const call = { type: 'tool-call' as const, id: 'c1', name: 'find', arguments: fragments.join('') };
    const { content } = encodedAnswer(anthropicMessages, { choices: [{ index: 0, blocks: [call] }] });
    assert.deepEqual(content, [{ type: 'tool_use', id: 'c1', name: 'find', input }]);
  });
}

const completion = (id: string, message: JsonObject, choice: JsonObject = {}): JsonObject => ({
  id,
  object: 'chat.completion',
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason: 'stop', ...choice }],
});

test('calls of servers that give them no id get one that no other call of the conversation has', () => {
  const call = { type: 'function', function: { name: 'find', arguments: '{}' } };
  const ids = (id: string): string[] => {
    const answer = openaiChat.chat!.decodeAnswer(completion(id, { tool_calls: [{ ...call, id: '' }, call] }));
    const { content } = encodedAnswer(anthropicMessages, answer);
    const text = chatStream({ id, ...chatDelta({ tool_calls: [{ index: 0, ...call }] }, 'tool_calls') });
    const streamed = payloads(encodedStream(anthropicMessages, decodedEvents(openaiChat, text)));
    return [...(content as JsonObject[]), streamed[1]!['content_block'] as JsonObject].map((block) =>
      String(block['id']),
    );
  };
  const [one, two, alone] = ids('chatcmpl-1');
  const [other, , otherAlone] = ids('chatcmpl-2');
  assert.equal(new Set([one, two, other]).size, 3);
  assert.notEqual(alone, otherAlone);
  const read = completion('chatcmpl-1', { tool_calls: [{ ...call, id: '' }, call], refusal: null }, { logprobs: null });
  const back = encodedAnswer(openaiChat, openaiChat.chat!.decodeAnswer(read), answerContext());
  assert.deepEqual((back['choices'] as JsonObject[])[0], (read['choices'] as JsonObject[])[0]);
});

test('an answer that came with an empty id has one of its own', () => {
  const answer = openaiChat.chat!.decodeAnswer(completion('', { content: 'Hi' }));
  assert.equal(encodedAnswer(anthropicMessages, answer)['id'], 'msg_req-1');
  const started = payloads(encodedStream(anthropicMessages, [{ type: 'start', id: '' }, { type: 'end' }]));
  assert.equal((started[0]!['message'] as JsonObject)['id'], 'msg_req-1');
});

test('an answer in which the model refused ends as a refusal', () => {
  const answer = openaiChat.chat!.decodeAnswer(completion('c1', { refusal: 'No.' }));
  const whole = encodedAnswer(anthropicMessages, answer);
  assert.deepEqual([whole['content'], whole['stop_reason']], [[{ type: 'text', text: 'No.' }], 'refusal']);
  const events = decodedEvents(openaiChat, chatStream(chatDelta({ refusal: 'No.' }), chatDelta({}, 'stop')));
  const { delta } = payloads(encodedStream(anthropicMessages, events)).find(({ type }) => type === 'message_delta')!;
  assert.deepEqual(delta, { stop_reason: 'refusal', stop_sequence: null });
});

for (const field of ['stop_reason', 'matched_stop']) {
  test(`a stop sequence that a server names in ${field} reaches the client`, () => {
    const conversation = request({ stop_sequences: ['END', 'STOP'] });
    const stopsOf = (value: string | number): unknown[] => {
      const body = completion('c1', { content: 'Hi' }, { [field]: value });
      const whole = encodedAnswer(anthropicMessages, openaiChat.chat!.decodeAnswer(body, conversation));
      const last = { choices: [{ index: 0, delta: {}, finish_reason: 'stop', [field]: value }] };
      const decoder = openaiChat.chat!.decodeStream(conversation);
      const events: AnswerEvent[] = [];
      for (const event of framedEvents(chatStream(chatDelta({ content: 'Hi' }), last)))
        decoder.event(event, (one) => events.push(one));
      const written = payloads(encodedStream(anthropicMessages, events));
      const { delta } = written.find(({ type }) => type === 'message_delta') as { delta: JsonObject };
      return [whole['stop_reason'], whole['stop_sequence'], delta['stop_reason'], delta['stop_sequence']];
    };
    assert.deepEqual(stopsOf('STOP'), ['stop_sequence', 'STOP', 'stop_sequence', 'STOP']);
    for (const other of ['</s>', 128_009]) assert.deepEqual(stopsOf(other), ['end_turn', null, 'end_turn', null]);
  });
}

test("another provider's failure has the type that Anthropic gives its status", () => {
  const typeOf = (status: number, type = 'invalid_request_error'): [number, string] => {
    const error = new GatewayError('UP_STATUS', { message: 'm' }, { status, type });
    const written = anthropicMessages.encodeError(error, 'r1');
    return [written.status, JSON.parse(written.body).error.type];
  };
  for (const [status, type] of [
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [402, 'billing_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [409, 'conflict_error'],
    [413, 'request_too_large'],
    [422, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [503, 'overloaded_error'],
    [529, 'overloaded_error'],
  ] as const)
    assert.deepEqual(typeOf(status), [status, type]);
  assert.deepEqual(typeOf(424, 'ModelErrorException'), [502, 'api_error']);
});

test('a prompt that does not fit is refused in the words by which Claude Code knows that it has to compact', () => {
  const messageOf = (message: string, more: { openaiCode?: string; status?: number } = {}): string => {
    const error = new GatewayError('UP_STATUS', { message }, { status: 400, ...more });
    return JSON.parse(anthropicMessages.encodeError(error, 'r1').body).error.message;
  };
  const vllm = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.";
  assert.equal(messageOf(vllm), `prompt is too long: ${vllm}`);
  assert.equal(messageOf('Too much.', { openaiCode: 'context_length_exceeded' }), 'prompt is too long: Too much.');
  assert.equal(messageOf('prompt is too long: 9 tokens > 8 maximum'), 'prompt is too long: 9 tokens > 8 maximum');
  assert.equal(messageOf('Too many tokens per minute.', { status: 429 }), 'Too many tokens per minute.');
});

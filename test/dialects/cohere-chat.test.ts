import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import { cohere, cohereChat } from '../../plugin-sdk/dialects/cohere-chat/index.ts';
import type { AnswerContext } from '../../plugin-sdk/dialects/dialect.ts';
import { jsonHint } from '../../plugin-sdk/dialects/json-hint.ts';
import { openaiChat } from '../../plugin-sdk/dialects/openai-chat/index.ts';
import { GatewayError, isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject, JsonValue } from '../../plugin-sdk/json.ts';
import { recordings, recordingsMissing } from '../recordings.ts';
import { framedEvents } from './sse.ts';

const codec = cohereChat.chat!;
const chat = openaiChat.chat!;
const wire = (value: unknown) => JSON.parse(JSON.stringify(value)) as JsonObject;
const answerContext: AnswerContext = {
  requestId: 'req_1',
  model: 'm',
  conversation: { model: 'm', messages: [] },
  now: 1,
};

function encode(conversation: Conversation, model = 'command-a-03-2025', capabilities: Record<string, unknown> = {}) {
  const lost: string[] = [];
  const context = {
    model,
    stream: conversation.stream === true,
    capabilities,
    lost: (path: string) => lost.push(path),
  };
  return { body: wire(codec.encodeRequest(conversation, context)), lost };
}

function fromChat(body: JsonObject, model?: string, capabilities?: Record<string, unknown>) {
  return encode(
    chat.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...body }),
    model,
    capabilities,
  );
}

function refused(body: JsonObject): string | undefined {
  try {
    fromChat(body);
  } catch (error) {
    assert(isGatewayError(error));
    assert.equal(error.code, 'REQ_INVALID');
    return error.param;
  }
  return assert.fail('nothing was thrown');
}

const tool = (name: string, more: JsonObject = {}) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: {} }, ...more },
});

function decodeEvents(events: JsonObject[], request?: Conversation): AnswerEvent[] {
  const result: AnswerEvent[] = [];
  const decoder = codec.decodeStream(request);
  for (const event of events)
    decoder.event({ name: String(event['type']), data: JSON.stringify(event) }, (one) => result.push(one));
  decoder.end((one) => result.push(one));
  return result;
}

function encodeEvents(events: AnswerEvent[]): JsonObject[] {
  const encoder = codec.encodeStream(answerContext);
  const framed = framedEvents(events.map((event) => String(encoder.event(event))).join(''));
  return framed.map(({ name, data }) => {
    const value = JSON.parse(data) as JsonObject;
    assert.equal(name, value['type']);
    return value;
  });
}

describe('cohere: what was recorded comes out as it went in', { skip: recordingsMissing }, () => {
  const exchanges = recordings('cohere').flatMap(({ file, interactions }) =>
    interactions
      .filter(({ request }) => request.url.endsWith('/v2/chat'))
      .map((interaction) => ({ file, ...interaction })),
  );

  test('every request and every answer is the same after decoding and encoding', (t) => {
    for (const { file, request, response } of exchanges) {
      const conversation = codec.decodeRequest(request.body as JsonObject);
      assert.deepEqual(encode(conversation, conversation.model), { body: request.body, lost: [] }, file);
      const answer = codec.decodeAnswer(response.body as JsonObject);
      assert.deepEqual(wire(codec.encodeAnswer(answer, answerContext)), response.body, file);
    }
    assert(exchanges.length > 0);
    t.diagnostic(
      `${exchanges.length} requests and ${exchanges.length} answers equal, no exceptions; no streams were recorded`,
    );
  });

  test('the meter reads the same usage from bytes as decoding does, and that of embeddings', () => {
    for (const { response } of exchanges) {
      const answer = codec.decodeAnswer(response.body as JsonObject);
      assert.deepEqual(cohereChat.meter.json(Buffer.from(JSON.stringify(response.body))).usage, answer.usage);
    }
    for (const { interactions } of recordings('cohere')) {
      for (const { request, response } of interactions) {
        if (!request.url.endsWith('/embed')) continue;
        assert((cohere.meter.json(Buffer.from(JSON.stringify(response.body))).usage?.input ?? 0) > 0);
      }
    }
  });
});

describe('cohere: requests', () => {
  test('parameters have their own names, and stop is a list', () => {
    const { body, lost } = fromChat({
      temperature: 0.5,
      top_p: 1,
      seed: 3,
      stop: 'x',
      max_completion_tokens: 9,
      frequency_penalty: 0.5,
    });
    assert.deepEqual(body, {
      model: 'command-a-03-2025',
      messages: [{ role: 'user', content: 'Hi' }],
      temperature: 0.5,
      p: 0.99,
      seed: 3,
      stop_sequences: ['x'],
      max_tokens: 9,
      frequency_penalty: 0.5,
    });
    assert.deepEqual(lost, []);
  });

  test('what Cohere has no word for is named in the words of the client', () => {
    const { lost } = fromChat({
      messages: [{ role: 'user', name: 'Bob', content: 'Hi' }],
      logit_bias: { 1: 1 },
      parallel_tool_calls: false,
      user: 'u',
      metadata: { a: 'b' },
      presence_penalty: -1,
      reasoning_effort: 'high',
      service_tier: 'flex',
      logprobs: true,
      top_logprobs: 2,
    });
    assert.deepEqual(lost.sort(), [
      'logit_bias',
      'logprobs',
      'messages[0].name',
      'metadata',
      'parallel_tool_calls',
      'presence_penalty',
      'reasoning_effort',
      'service_tier',
      'top_logprobs',
      'user',
    ]);
  });

  test('developer messages are system messages, in their places', () => {
    const messages = [
      { role: 'developer', content: 'A' },
      { role: 'user', content: 'B' },
      { role: 'system', content: 'C' },
    ];
    const { body } = fromChat({ messages });
    assert.deepEqual(
      (body['messages'] as JsonObject[]).map((message) => message['role']),
      ['system', 'user', 'system'],
    );
  });

  const conversation = [
    { role: 'user', content: 'Weather?' },
    {
      role: 'assistant',
      content: 'I will look.',
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
        { id: 'b', type: 'function', function: { name: 'time', arguments: '' } },
      ],
    },
    { role: 'tool', tool_call_id: 'a', content: 'Sunny' },
    { role: 'tool', tool_call_id: 'b', content: '3pm' },
    { role: 'user', content: 'Thanks' },
  ];

  test('text before tool calls is the plan, and results are messages of their own', () => {
    assert.deepEqual(fromChat({ messages: conversation }).body['messages'], [
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        tool_plan: 'I will look.',
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
          { id: 'b', type: 'function', function: { name: 'time', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'a', content: 'Sunny' },
      { role: 'tool', tool_call_id: 'b', content: '3pm' },
      { role: 'user', content: 'Thanks' },
    ]);
  });

  test('arguments that are no JSON are refused, naming the path', () => {
    const messages = [
      { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{' } }] },
    ];
    assert.equal(refused({ messages }), 'messages[0].tool_calls[0].function.arguments');
  });

  test('only REQUIRED and NONE are said; auto is silence', () => {
    const choice = (tool_choice: JsonValue) => fromChat({ tools: [tool('f')], tool_choice }).body['tool_choice'];
    assert.equal(choice('auto'), undefined);
    assert.equal(choice('required'), 'REQUIRED');
    assert.equal(choice('none'), 'NONE');
  });

  test('a named tool is the only one offered', () => {
    const { body } = fromChat({
      tools: [tool('f'), tool('g')],
      tool_choice: { type: 'function', function: { name: 'g' } },
    });
    assert.equal(body['tool_choice'], 'REQUIRED');
    assert.deepEqual(
      (body['tools'] as JsonObject[]).map((one) => (one['function'] as JsonObject)['name']),
      ['g'],
    );
  });

  test('an empty list of tools and a choice without tools are left out', () => {
    const { body } = fromChat({ tools: [], tool_choice: 'auto' });
    assert.deepEqual(Object.keys(body).sort(), ['messages', 'model']);
  });

  test('strictness is for all tools or none', () => {
    assert.equal(fromChat({ tools: [tool('f', { strict: true })] }).body['strict_tools'], true);
    assert.deepEqual(fromChat({ tools: [tool('f', { strict: true }), tool('g')] }).lost, ['tools[0].function.strict']);
  });

  const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
  const format = { type: 'json_schema', json_schema: { name: 'x', schema } };

  test('a JSON schema goes into response_format', () => {
    assert.deepEqual(fromChat({ response_format: format }).body['response_format'], {
      type: 'json_object',
      json_schema: schema,
    });
  });

  test('a JSON schema beside tools becomes a tool, whose call becomes the text', () => {
    const { body } = fromChat({ response_format: format, tools: [tool('f')] });
    assert.equal(body['response_format'], undefined);
    assert.equal(body['tool_choice'], 'REQUIRED');
    const name = ((body['tools'] as JsonObject[])[1]!['function'] as JsonObject)['name'];
    const tool_calls = [{ id: 'a', type: 'function', function: { name, arguments: '{"a":"b"}' } }];
    const [choice] = codec.decodeAnswer({
      finish_reason: 'TOOL_CALL',
      message: { role: 'assistant', tool_calls },
    }).choices;
    assert.deepEqual(choice!.blocks, [{ type: 'text', text: '{"a":"b"}' }]);
    assert.equal(choice!.finish?.reason, 'stop');
  });

  test('JSON beside tools is asked for in words, since response_format is refused there', () => {
    const response_format = { type: 'json_object' };
    const messages = [
      { role: 'system', content: 'A' },
      { role: 'user', content: 'Hi' },
    ];
    const { body, lost } = fromChat({ response_format, tools: [tool('f')], messages });
    assert.equal(body['response_format'], undefined);
    assert.equal(body['tool_choice'], undefined);
    assert.equal((body['tools'] as JsonObject[]).length, 1);
    assert.deepEqual(body['messages'], [messages[0], { role: 'system', content: jsonHint }, messages[1]]);
    assert.deepEqual(lost, []);

    assert.deepEqual(fromChat({ response_format }).body, {
      model: 'command-a-03-2025',
      messages: [messages[1]],
      response_format,
    });
    const idle = fromChat({ response_format, tools: [tool('f')], tool_choice: 'none' }).body;
    assert.deepEqual(
      [idle['response_format'], idle['tools'], idle['tool_choice']],
      [response_format, undefined, undefined],
    );
    const able = fromChat({ response_format, tools: [tool('f')] }, undefined, { structuredOutputWithTools: true }).body;
    assert.deepEqual(able['response_format'], response_format);
    const own = { model: 'm', messages: [messages[1]!], tools: [tool('f')], response_format };
    assert.deepEqual(encode(codec.decodeRequest(own), 'm'), { body: own, lost: [] });
  });

  test('reasoning is switched on and off for models that think', () => {
    const thinking = (effort: string) =>
      fromChat({ reasoning_effort: effort }, 'command-a-reasoning-08-2025').body['thinking'];
    assert.deepEqual(thinking('none'), { type: 'disabled' });
    assert.deepEqual(thinking('low'), { type: 'enabled', token_budget: 2_048 });
    assert.deepEqual(thinking('high'), { type: 'enabled' });
  });

  const image = {
    role: 'user',
    content: [
      { type: 'text', text: 'x' },
      { type: 'image_url', image_url: { url: 'https://a.example/b.png' } },
    ],
  };

  test('images go to models that see, by URL, and are refused for others', () => {
    const { body } = fromChat({ messages: [image] }, 'command-a-vision-07-2025');
    assert.deepEqual((body['messages'] as JsonObject[])[0], image);
    assert.equal(refused({ messages: [image] }), 'messages[0].content[1].image_url');
  });

  test('audio is refused, naming its path', () => {
    const content = [{ type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } }];
    assert.equal(refused({ messages: [{ role: 'user', content }] }), 'messages[0].content[0].input_audio');
  });

  test('several choices are refused, naming n', () => {
    assert.equal(refused({ n: 2 }), 'n');
  });

  test('documents and everything unknown survive', () => {
    const body = {
      model: 'command-a-03-2025',
      stream: true,
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'x', new_field: 1 }] },
        {
          role: 'assistant',
          tool_plan: 'p',
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: 'null' } }],
          citations: [{ start: 0, end: 1, text: 'x', sources: [] }],
        },
        {
          role: 'tool',
          tool_call_id: 'a',
          content: [
            { type: 'document', document: { id: 'd', data: { n: 1 } } },
            { type: 'document', document: { data: 'plain' } },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm' },
            { type: 'text', text: 'y' },
          ],
        },
      ],
      documents: [{ data: { title: 't' } }],
      citation_options: { mode: 'FAST' },
      safety_mode: 'STRICT',
      thinking: { type: 'enabled', token_budget: 100 },
      response_format: { type: 'json_object', schema },
      k: 3,
      p: 1,
    };
    const conversation = codec.decodeRequest(body);
    assert.deepEqual(encode(conversation, body.model), { body, lost: [] });
    const results = conversation.messages[2]!.blocks[0]!;
    assert(results.type === 'tool-result' && results.content[0]?.type === 'text');
    assert.equal(results.content[0].text, '{"n":1}');
  });

  test('a request without messages is refused, naming the field', () => {
    assert.throws(() => codec.decodeRequest({ model: 'm' }), { code: 'REQ_INVALID', param: 'messages' });
  });
});

describe('cohere: answers', () => {
  const answerOf = (message: JsonObject, more: JsonObject = {}) =>
    codec.decodeAnswer({ id: 'x', finish_reason: 'COMPLETE', message: { role: 'assistant', ...message }, ...more });

  test('the plan is text before the calls, and "null" arguments are an empty object', () => {
    const tool_calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: 'null' } }];
    const [choice] = answerOf({ tool_plan: 'Plan.', tool_calls }, { finish_reason: 'TOOL_CALL' }).choices;
    assert.deepEqual(
      choice!.blocks.map(({ carry: _, ...block }) => block),
      [
        { type: 'text', text: 'Plan.' },
        { type: 'tool-call', id: 'a', name: 'f', arguments: '{}' },
      ],
    );
    assert.deepEqual(choice!.finish, { reason: 'tool-calls', native: 'TOOL_CALL' });
  });

  test('every finish word has a meaning', () => {
    const reason = (word: string) => answerOf({ content: [] }, { finish_reason: word }).choices[0]!.finish?.reason;
    assert.deepEqual(['COMPLETE', 'STOP_SEQUENCE', 'MAX_TOKENS', 'ERROR', 'NEW'].map(reason), [
      'stop',
      'stop',
      'length',
      'error',
      'error',
    ]);
  });

  test('citations belong to the text that they cite', () => {
    const citations = [
      {
        start: 0,
        end: 3,
        text: 'The',
        sources: [{ type: 'document', id: 'd', document: { url: 'https://a.example', title: 'A' } }],
      },
    ];
    const [block] = answerOf({ content: [{ type: 'text', text: 'The end' }], citations }).choices[0]!.blocks;
    assert(block?.type === 'text');
    const { carry: _, ...citation } = block.citations![0]!;
    assert.deepEqual(citation, { start: 0, end: 3, text: 'The', url: 'https://a.example', title: 'A' });
  });

  test('tokens are counted with the cached ones inside, searches apart', () => {
    const usage = {
      billed_units: { input_tokens: 4, output_tokens: 2, search_units: 1 },
      tokens: { input_tokens: 40, output_tokens: 3 },
      cached_tokens: 16,
    };
    const answer = answerOf({ content: [] }, { usage });
    assert.deepEqual(answer.usage, { input: 40, output: 3, cachedInput: 16, searches: 1 });
    assert.deepEqual(wire(codec.encodeAnswer(answer, answerContext))['usage'], usage);
  });

  test('an answer of another dialect is written in the words of Cohere', () => {
    const body = codec.encodeAnswer(
      {
        choices: [
          {
            index: 0,
            blocks: [
              { type: 'reasoning', text: 'hm', maker: 'anthropic' },
              { type: 'text', text: 'Hi', citations: [{ url: 'https://a.example', start: 0, end: 2 }] },
            ],
            finish: { reason: 'length', native: 'max_tokens' },
          },
        ],
        usage: { input: 3, output: 2, cachedInput: 1 },
      },
      answerContext,
    );
    assert.deepEqual(wire(body), {
      id: 'req_1',
      finish_reason: 'MAX_TOKENS',
      usage: {
        billed_units: { input_tokens: 3, output_tokens: 2 },
        tokens: { input_tokens: 3, output_tokens: 2 },
        cached_tokens: 1,
      },
      message: {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm' },
          { type: 'text', text: 'Hi' },
        ],
        citations: [
          {
            start: 0,
            end: 2,
            sources: [{ type: 'document', id: 'https://a.example', document: { url: 'https://a.example' } }],
          },
        ],
      },
    });
  });

  test('a body that is no answer is refused', () => {
    assert.throws(() => codec.decodeAnswer({ hello: 1 }), { code: 'UP_BAD_BODY' });
  });
});

describe('cohere: streams', () => {
  const message = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] };
  const citation = {
    start: 0,
    end: 2,
    text: 'Hi',
    sources: [{ type: 'tool', id: 'a:0', tool_output: { x: '1' } }],
    type: 'TEXT_CONTENT',
  };
  const usage = { billed_units: { input_tokens: 3, output_tokens: 2 }, tokens: { input_tokens: 30, output_tokens: 4 } };
  const text: JsonObject[] = [
    { id: 'x', type: 'message-start', delta: { message } },
    { type: 'content-start', index: 0, delta: { message: { content: { type: 'thinking', thinking: '' } } } },
    { type: 'content-delta', index: 0, delta: { message: { content: { thinking: 'hm' } } } },
    { type: 'content-end', index: 0 },
    { type: 'content-start', index: 1, delta: { message: { content: { type: 'text', text: '' } } } },
    { type: 'content-delta', index: 1, delta: { message: { content: { text: 'Hi' } } } },
    { type: 'citation-start', index: 0, delta: { message: { citations: citation } } },
    { type: 'citation-end', index: 0 },
    { type: 'debug', prompt: 'p' },
    { type: 'content-end', index: 1 },
    { type: 'message-end', delta: { finish_reason: 'COMPLETE', usage } },
  ];
  const calls: JsonObject[] = [
    { id: 'x', type: 'message-start', delta: { message } },
    { type: 'tool-plan-delta', delta: { message: { tool_plan: 'I ' } } },
    { type: 'tool-plan-delta', delta: { message: { tool_plan: 'will.' } } },
    {
      type: 'tool-call-start',
      index: 0,
      delta: { message: { tool_calls: { id: 'a', type: 'function', function: { name: 'f', arguments: '' } } } },
    },
    { type: 'tool-call-delta', index: 0, delta: { message: { tool_calls: { function: { arguments: '{"x"' } } } } },
    { type: 'tool-call-delta', index: 0, delta: { message: { tool_calls: { function: { arguments: ':1}' } } } } },
    { type: 'tool-call-end', index: 0 },
    {
      type: 'tool-call-start',
      index: 1,
      delta: { message: { tool_calls: { id: 'b', type: 'function', function: { name: 'g', arguments: '' } } } },
    },
    { type: 'tool-call-end', index: 1 },
    { type: 'message-end', delta: { finish_reason: 'TOOL_CALL', usage } },
  ];

  test('text, thinking, citations, plans, calls and unknown events are the same after decoding and encoding', () => {
    assert.deepEqual(encodeEvents(decodeEvents(text)), text);
    assert.deepEqual(encodeEvents(decodeEvents(calls)), calls);
  });

  test('events become blocks, then finish, usage and end', () => {
    const events = decodeEvents(calls).map(({ ...event }) =>
      wire('carry' in event ? { ...event, carry: undefined } : event),
    );
    const at = (block: number) => ({ choice: 0, block });
    assert.deepEqual(events, [
      { type: 'start', id: 'x' },
      { type: 'block-start', ...at(0), head: { type: 'text' } },
      { type: 'text', ...at(0), text: 'I ' },
      { type: 'text', ...at(0), text: 'will.' },
      { type: 'block-end', ...at(0) },
      { type: 'block-start', ...at(1), head: { type: 'tool-call', id: 'a', name: 'f' } },
      { type: 'arguments', ...at(1), text: '{"x"' },
      { type: 'arguments', ...at(1), text: ':1}' },
      { type: 'block-end', ...at(1) },
      { type: 'block-start', ...at(2), head: { type: 'tool-call', id: 'b', name: 'g' } },
      { type: 'block-end', ...at(2) },
      { type: 'finish', choice: 0, finish: { reason: 'tool-calls', native: 'TOOL_CALL' } },
      { type: 'usage', usage: { input: 30, output: 4 } },
      { type: 'end' },
    ]);
  });

  test('a stream without message-end is cut', () => {
    assert.throws(() => decodeEvents(text.slice(0, -1)), { code: 'UP_STREAM_CUT' });
  });

  test('an error in message-end is thrown', () => {
    const end = { type: 'message-end', delta: { finish_reason: 'ERROR', error: 'Out of capacity' } };
    assert.throws(() => decodeEvents([end]), { code: 'UP_STREAM_ERROR', message: 'Out of capacity' });
  });

  test('the error that is written into a stream is read as one', () => {
    const error = new GatewayError('UP_STREAM_CUT', { provider: 'p' });
    const [event] = framedEvents(String(cohereChat.encodeStreamError(error, 'req_1')));
    assert.throws(() => codec.decodeStream().event(event!, () => {}), { code: 'UP_STREAM_ERROR' });
    assert.equal(cohereChat.meter.stream()(event!).kind, 'error');
  });

  test('names and custom tools are restored in a stream', () => {
    const request = chat.decodeRequest({
      model: 'm',
      messages: [{ role: 'user', content: 'x' }],
      tools: [{ type: 'custom', custom: { name: 'my sql' } }],
    });
    const start = {
      type: 'tool-call-start',
      index: 0,
      delta: { message: { tool_calls: { id: 'a', function: { name: 'my_sql', arguments: '' } } } },
    };
    const delta = (text: string) => ({
      type: 'tool-call-delta',
      index: 0,
      delta: { message: { tool_calls: { function: { arguments: text } } } },
    });
    const events = decodeEvents(
      [calls[0]!, start, delta('{"input"'), delta(':"select 1"}'), calls[6]!, calls[9]!],
      request,
    );
    const head = events.find((event) => event.type === 'block-start')?.head;
    assert.deepEqual(head, { type: 'tool-call', id: 'a', name: 'my sql', kind: 'custom' });
    assert.equal(events.find((event) => event.type === 'arguments')?.text, 'select 1');
  });

  test('arguments that are null as a whole stand for none; a null inside them is what it is', () => {
    const argumentsOf = (...pieces: (string | null)[]): string => {
      const deltas = pieces.map((text) => ({
        type: 'tool-call-delta',
        index: 0,
        delta: { message: { tool_calls: { function: { arguments: text } } } },
      }));
      return decodeEvents([...calls.slice(0, 4), ...deltas, calls[6]!, calls[9]!])
        .map((event) => (event.type === 'arguments' ? event.text : ''))
        .join('');
    };
    assert.equal(argumentsOf('null'), '{}');
    assert.equal(argumentsOf('{"a":', 'null', ',"b":1}'), '{"a":null,"b":1}');
    assert.equal(argumentsOf('null', 'able'), 'nullable');
    assert.equal(argumentsOf('nu', '', 'll'), '{}');
    assert.equal(argumentsOf('nu'), 'nu');
    assert.equal(argumentsOf(null), '{}');
    assert.equal(argumentsOf(null, '{"a":', '1}'), '{"a":1}');
    assert.equal(argumentsOf('{"a":', null, '1}'), '{"a":1}');
  });

  const probability = (words: string, tokens = 1) => ({
    text: words,
    token_ids: Array.from({ length: tokens }, (_, i) => i),
    logprobs: Array.from({ length: tokens }, () => -0.5),
  });

  test('log probabilities take the form of OpenAI where each belongs to one token, streamed or not', () => {
    const own = (token: string) => ({ token, logprob: -0.5, bytes: [...Buffer.from(token)], top_logprobs: [] });
    const answered = (logprobs: JsonObject[]) =>
      codec.decodeAnswer({ id: 'x', finish_reason: 'COMPLETE', message: { role: 'assistant', content: [] }, logprobs })
        .choices[0]!.logprobs;
    const streamed = (logprobs: JsonObject[]) => {
      const deltas = logprobs.map((one) => ({ ...text[5]!, logprobs: one }));
      const events = decodeEvents([...text.slice(0, 5), ...deltas, ...text.slice(6)]);
      const content = events.flatMap((event) =>
        event.type === 'text' && event.logprobs !== undefined
          ? ((event.logprobs as JsonObject)['content'] as JsonObject[])
          : [],
      );
      return content.length === 0 ? undefined : { content, refusal: null };
    };
    for (const read of [answered, streamed]) {
      assert.deepEqual(read([probability('Hé')]), { content: [own('Hé')], refusal: null });
      assert.deepEqual(read([probability('a'), probability('lo there', 2), probability('b')]), {
        content: [own('a'), own('b')],
        refusal: null,
      });
      assert.equal(read([probability('lo there', 2)]), undefined);
      assert.equal(read([{ text: 'a', token_ids: [1] }]), undefined);
      assert.equal(read([{ text: 'a', token_ids: [1], logprobs: [null] }]), undefined);
    }
  });

  test('the meter tells preamble, content and done', () => {
    const read = cohereChat.meter.stream();
    const kinds = text.map((event) => read({ name: String(event['type']), data: JSON.stringify(event) }));
    assert.equal(kinds[0]!.kind, 'preamble');
    assert.equal(kinds[2]!.kind, 'content');
    assert.deepEqual(kinds.at(-1), { kind: 'done', usage: { input: 30, output: 4 }, finish: 'COMPLETE' });
  });
});

describe('cohere: errors', () => {
  test('errors have one field', () => {
    const error = new GatewayError('REQ_INVALID', { reason: 'No.' });
    assert.deepEqual(cohere.encodeError(error, 'req_1'), { status: 400, body: '{"id":"req_1","message":"No."}' });
  });

  test('message, plain text and HTML are read', () => {
    const read = (status: number, body: string, headers: string[] = []) =>
      cohere.decodeError(status, Buffer.from(body), headers);
    assert.deepEqual(read(401, '{"id":"1","message":"invalid api token"}'), {
      status: 401,
      message: 'invalid api token',
    });
    assert.deepEqual(read(429, 'slow down', ['Retry-After', '2']), {
      status: 429,
      message: 'slow down',
      retryAfterMs: 2_000,
    });
    assert.deepEqual(read(502, '<html>'), { status: 502, message: 'Cohere answered with status 502.' });
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import type { AnswerEvent, Conversation } from '../../plugin-sdk/conversation/index.ts';
import { openaiChat } from '../../plugin-sdk/dialects/openai-chat/index.ts';
import { openaiResponses } from '../../plugin-sdk/dialects/openai-responses/index.ts';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import { recordingsMissing } from '../recordings.ts';
import { accumulateChat } from './accumulate-chat.ts';
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

const codec = openaiChat.chat!;
const recorded = () => interactionsAt(/chat\/completions$/);

function conversationOf(body: JsonObject): Conversation {
  return codec.decodeRequest({ model: 'm', messages: [], ...body });
}

test('gives every recorded chat request back as it was', { skip: recordingsMissing }, (t) => {
  const bodies = requestBodies(recorded());
  for (const { name, body } of bodies) {
    const { body: encoded, lost } = encodeFor(openaiChat, codec.decodeRequest(body));
    assert.deepEqual(encoded, body, name);
    assert.deepEqual(lost, [], name);
  }
  t.diagnostic(`${bodies.length} of ${bodies.length} recorded requests are equal`);
});

test('gives every recorded chat answer back as it was', { skip: recordingsMissing }, (t) => {
  const bodies = answerBodies(recorded());
  for (const { name, body } of bodies)
    assert.deepEqual(encodedAnswer(openaiChat, codec.decodeAnswer(body)), body, name);
  t.diagnostic(`${bodies.length} of ${bodies.length} recorded answers are equal`);
});

test('gives every recorded chat stream back so that it adds up to the same', { skip: recordingsMissing }, (t) => {
  const streams = streamTexts(recorded());
  let equal = 0;
  let failed = 0;
  let unwanted = 0;
  let same = 0;
  let chunks = 0;
  for (const { name, request, text } of streams) {
    const original = payloads(text);
    // Groq and OpenRouter end a stream with an error event: there is nothing to add up.
    if (original.some((chunk) => 'error' in chunk)) {
      assert.throws(
        () => decodedEvents(openaiChat, text),
        (error) => isGatewayError(error) && error.code === 'UP_STREAM_ERROR',
        name,
      );
      failed++;
      continue;
    }
    const conversation = conversationOf(request);
    const written = payloads(encodedStream(openaiChat, decodedEvents(openaiChat, text), answerContext(conversation)));
    const expected = accumulateChat(original);
    // Groq and Hugging Face state usage unasked; a client that did not ask gets no usage chunk here.
    if (conversation.streamUsage !== true && 'usage' in expected) {
      delete expected['usage'];
      unwanted++;
    }
    assert.deepEqual(accumulateChat(written), expected, name);
    equal++;
    chunks += original.length;
    same += original.filter((chunk) => written.some((other) => sameChunk(other, chunk))).length;
  }
  t.diagnostic(
    `${equal} of ${streams.length} recorded streams add up to the same, ${unwanted} of them without usage that nobody asked for`,
  );
  t.diagnostic(`${failed} recorded streams end in an error event and are reported as failed`);
  // The others differ by the role that OpenRouter repeats, or hold what here is written as two chunks.
  t.diagnostic(`${same} of ${chunks} chunks are equal field by field, nulls aside`);
});

function sameChunk(a: JsonObject, b: JsonObject): boolean {
  try {
    assert.deepEqual(withoutNulls(a), withoutNulls(b));
    return true;
  } catch {
    return false;
  }
}

function withoutNulls(value: JsonObject): unknown {
  return JSON.parse(JSON.stringify(value, (_, inner: unknown) => (inner === null ? undefined : inner)));
}

test('merges tool messages in a row into one user message and splits them again', () => {
  const messages = [
    { role: 'user', content: 'hi' },
    {
      role: 'assistant',
      content: null,
      tool_calls: ['a', 'b'].map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
    },
    { role: 'tool', tool_call_id: 'b', content: 'B' },
    { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'A' }] },
    { role: 'user', content: 'so?' },
  ];
  const conversation = conversationOf({ messages });
  assert.deepEqual(
    conversation.messages.map(({ role, blocks }) => [role, blocks.map(({ type }) => type)]),
    [
      ['user', ['text']],
      ['assistant', ['tool-call', 'tool-call']],
      ['user', ['tool-result', 'tool-result']],
      ['user', ['text']],
    ],
  );
  assert.deepEqual(encodeFor(openaiChat, conversation).body['messages'], messages);
});

test('puts tool results of a mixed turn in front as tool messages and their images behind', () => {
  const conversation: Conversation = {
    model: 'm',
    messages: [
      {
        role: 'user',
        blocks: [
          {
            type: 'tool-result',
            callId: 'a',
            content: [
              { type: 'text', text: 'seen' },
              { type: 'image', source: { kind: 'base64', mediaType: 'image/png', data: 'AA' } },
            ],
          },
          { type: 'text', text: 'now?' },
        ],
      },
    ],
  };
  const { body, lost } = encodeFor(openaiChat, conversation);
  assert.deepEqual(body['messages'], [
    { role: 'tool', tool_call_id: 'a', content: 'seen' },
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } },
        { type: 'text', text: 'now?' },
      ],
    },
  ]);
  assert.deepEqual(lost, []);
});

test('names every thing of another format that chat cannot carry', () => {
  const conversation: Conversation = {
    model: 'm',
    messages: [
      {
        role: 'user',
        blocks: [
          { type: 'file', source: { kind: 'url', url: 'https://a/b.pdf' }, cache: { ttl: '5m' } },
          { type: 'text', text: 'x', cache: {}, carry: { 'anthropic.messages': { note: 'n', $form: 'string' } } },
          { type: 'tool-result', callId: 'c', content: [], isError: true },
        ],
      },
    ],
    sampling: { topK: 3 },
    tools: [{ type: 'provider', dialect: 'anthropic.messages', value: { type: 'web_search_20250305' } }],
    previousId: 'resp_1',
    carry: { 'anthropic.messages': { container: 'c', $x: 1 } },
  };
  const { body, lost } = encodeFor(openaiChat, conversation);
  assert.deepEqual(lost.sort(), [
    'container',
    'messages[0].content[0]',
    'messages[0].content[1].cache_control',
    'messages[0].content[1].note',
    'messages[0].content[2].is_error',
    'previous_response_id',
    'tools[0]',
    'top_k',
  ]);
  assert.equal('tools' in body, false);
});

test('rejects a body that is not a chat request and names the field', () => {
  const cases: [JsonObject, string][] = [
    [{ messages: undefined }, 'messages'],
    [{ messages: [{ role: 'wizard', content: 'x' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: [7] }] }, 'messages[0].content[0]'],
    [{ messages: [], temperature: 'hot' }, 'temperature'],
    [{ messages: [], tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
  ];
  for (const [body, param] of cases) {
    assert.throws(
      () => codec.decodeRequest({ model: 'm', ...body }),
      (error) => isGatewayError(error) && error.code === 'REQ_INVALID' && error.param === param,
      param,
    );
  }
});

test('prefers max_completion_tokens when both limits are given', () => {
  assert.equal(conversationOf({ max_tokens: 5, max_completion_tokens: 9 }).maxOutputTokens, 9);
  assert.equal(conversationOf({ max_tokens: 5 }).maxOutputTokens, 5);
});

test('writes the words of a target that differs from OpenAI, as data says', () => {
  const conversation: Conversation = {
    model: 'm',
    messages: [
      { role: 'developer', blocks: [{ type: 'text', text: 'be brief' }] },
      { role: 'user', name: 'bob', blocks: [{ type: 'text', text: 'hi' }] },
    ],
    tools: [{ type: 'function', name: 'f' }],
    toolChoice: { type: 'required' },
    maxOutputTokens: 5,
    sampling: { seed: 1 },
    store: true,
  };
  const capabilities = {
    developerRole: false,
    rename: { max_completion_tokens: 'max_tokens', seed: 'random_seed' },
    words: { tool_choice: { required: 'any' } },
    refuses: ['store', 'messages[].name'],
  };
  const { body, lost } = encodeFor(openaiChat, conversation, { capabilities });
  assert.deepEqual(body, {
    model: 'm',
    messages: [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'hi' },
    ],
    tools: [{ type: 'function', function: { name: 'f' } }],
    tool_choice: 'any',
    max_tokens: 5,
    random_seed: 1,
  });
  assert.deepEqual(lost.sort(), ['messages[0].name', 'store']);
});

test('leaves tool_choice and parallel_tool_calls out when no tool is left', () => {
  const conversation: Conversation = {
    model: 'm',
    messages: [],
    tools: [],
    toolChoice: { type: 'auto' },
    parallelToolCalls: false,
  };
  assert.deepEqual(encodeFor(openaiChat, conversation).body, { model: 'm', messages: [] });
});

test('treats null parameters as absent', () => {
  const conversation = conversationOf({ temperature: null, stop: null, tools: null, seed: null });
  assert.equal(conversation.sampling, undefined);
  assert.equal(conversation.stop, undefined);
});

test('names what is lost as the client of another format wrote it', () => {
  const input = [
    {
      role: 'user',
      content: [
        { type: 'input_text', text: 'a' },
        { type: 'input_file', file_url: 'https://a/b.pdf' },
      ],
    },
    { type: 'web_search_call', id: 'ws_1', status: 'completed' },
  ];
  const { lost } = encodeFor(openaiChat, openaiResponses.chat!.decodeRequest({ model: 'm', instructions: 'i', input }));
  assert.deepEqual(lost, ['input[0].content[1]', 'input[1]']);
});

test('gives tools names that OpenAI takes and the answer the names that the client knows', () => {
  const conversation: Conversation = {
    model: 'm',
    messages: [],
    tools: [{ type: 'function', name: 'files.read' }],
    toolChoice: { type: 'tool', name: 'files.read' },
  };
  const { body } = encodeFor(openaiChat, conversation);
  assert.deepEqual(body['tools'], [{ type: 'function', function: { name: 'files_read' } }]);
  assert.deepEqual(body['tool_choice'], { type: 'function', function: { name: 'files_read' } });
  const call = { id: 'a', type: 'function', function: { name: 'files_read', arguments: '{}' } };
  const answer = codec.decodeAnswer({ choices: [{ message: { tool_calls: [call] } }] }, conversation);
  assert.deepEqual(
    answer.choices[0]!.blocks.map((block) => block.type === 'tool-call' && block.name),
    ['files.read'],
  );
  const heads: string[] = [];
  const chunk = chatDelta({ tool_calls: [{ index: 0, ...call }] });
  codec.decodeStream(conversation).event({ data: JSON.stringify(chunk) }, (event) => {
    if (event.type === 'block-start' && event.head.type === 'tool-call') heads.push(event.head.name);
  });
  assert.deepEqual(heads, ['files.read']);
});

test('reads a stop string as a list and an image/jpg as image/jpeg', () => {
  const url = 'data:image/jpg;base64,AA';
  const body = {
    model: 'm',
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    stop: 'END',
  };
  const conversation = codec.decodeRequest(body);
  assert.deepEqual(conversation.stop, ['END']);
  const [block] = conversation.messages[0]!.blocks;
  assert.ok(block?.type === 'image' && block.source.kind === 'base64' && block.source.mediaType === 'image/jpeg');
  assert.deepEqual(encodeFor(openaiChat, conversation).body, body);
});

test('writes a data URL with parameters as it was read', () => {
  const file = { filename: 'a.pdf', file_data: 'data:application/pdf;filename=generated.pdf;base64,AA' };
  const image_url = { url: 'data:image/png;charset=utf-8;base64,AA' };
  const content = [
    { type: 'file', file },
    { type: 'image_url', image_url },
  ];
  const body = { model: 'm', messages: [{ role: 'user', content }] };
  assert.deepEqual(encodeFor(openaiChat, codec.decodeRequest(body)).body, body);
});

test('asks a target for usage whether or not the client of another format did', () => {
  assert.deepEqual(encodeFor(openaiChat, { model: 'm', messages: [], stream: true }).body, {
    model: 'm',
    messages: [],
    stream: true,
    stream_options: { include_usage: true },
  });
});

test('sends no proof to a provider that did not make it', () => {
  const conversation: Conversation = {
    model: 'm',
    messages: [
      {
        role: 'assistant',
        blocks: [
          { type: 'reasoning', text: 'hm', signature: 'S', maker: 'anthropic' },
          { type: 'tool-call', id: 'a', name: 'f', arguments: '{}', signature: 'G', maker: 'google' },
        ],
      },
    ],
  };
  const plain = encodeFor(openaiChat, conversation).body['messages'];
  assert.doesNotMatch(JSON.stringify(plain), /signature/);
  const google = JSON.stringify(encodeFor(openaiChat, conversation, { capabilities: { proofsOf: ['google'] } }).body);
  assert.match(google, /"thought_signature":"G"/);
  assert.doesNotMatch(google, /"signature":"S"/);
});

test('keeps signatures and encrypted reasoning through a plain chat client and back', () => {
  const blocks = [
    { type: 'reasoning', text: 'let me think', signature: 'SIG', maker: 'anthropic' },
    { type: 'reasoning', encrypted: 'DATA', maker: 'anthropic' },
    { type: 'text', text: 'done' },
    { type: 'tool-call', id: 'a', name: 'f', arguments: '{}', signature: 'THOUGHT', maker: 'google' },
  ] as const;
  const encoded = encodedAnswer(openaiChat, { choices: [{ index: 0, blocks, finish: { reason: 'tool-calls' } }] });
  const message = (encoded['choices'] as JsonObject[])[0]!['message'] as JsonObject;
  assert.equal(message['reasoning_content'], 'let me think');
  assert.equal(message['content'], 'done');
  const [back] = conversationOf({ messages: [message] }).messages;
  assert.deepEqual(
    back!.blocks.map(({ carry: _, ...block }) => block),
    blocks,
  );
});

test('reads reasoning once, whichever of its three fields hold it', () => {
  const detail = { type: 'reasoning.text', text: 'why', signature: 's', format: 'anthropic-claude-v1', index: 0 };
  for (const fields of [
    { reasoning: 'why' },
    { reasoning_content: 'why' },
    { reasoning: 'why', reasoning_content: 'why' },
    { reasoning: 'why', reasoning_details: [detail] },
  ]) {
    const message = { role: 'assistant', content: 'x', ...fields };
    const conversation = conversationOf({ messages: [message] });
    const reasoning = conversation.messages[0]!.blocks.filter((block) => block.type === 'reasoning');
    assert.deepEqual(
      reasoning.map(({ text }) => text),
      ['why'],
    );
    assert.deepEqual(encodeFor(openaiChat, conversation).body['messages'], [message]);
  }
});

test('always gives refusal, logprobs, index, object, created and id, and null content only beside tool calls', () => {
  const call = { type: 'tool-call', id: 'a', name: 'f', arguments: '{}' } as const;
  const answer = encodedAnswer(openaiChat, {
    id: 'msg_1',
    choices: [{ index: 0, blocks: [call], finish: { reason: 'tool-calls', native: 'tool_use' } }],
    usage: { input: 3, output: 2, cachedInput: 1 },
  });
  assert.deepEqual(answer, {
    id: 'chatcmpl-req-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'client-model',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: null,
          refusal: null,
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        logprobs: null,
        finish_reason: 'tool_calls',
      },
    ],
    usage: {
      prompt_tokens: 3,
      completion_tokens: 2,
      total_tokens: 5,
      prompt_tokens_details: { cached_tokens: 1, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 0,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
  });
});

test('writes {} for the arguments of a call without any', () => {
  const call = { type: 'tool-call', id: 'a', name: 'f', arguments: '' } as const;
  for (const dialect of [openaiChat, openaiResponses]) {
    assert.match(
      JSON.stringify(encodedAnswer(dialect, { choices: [{ index: 0, blocks: [call] }] })),
      /"arguments":"{}"/,
    );
    const events: AnswerEvent[] = [
      { type: 'start' },
      { type: 'block-start', choice: 0, block: 0, head: { type: 'tool-call', id: 'a', name: 'f' } },
      { type: 'block-end', choice: 0, block: 0 },
    ];
    assert.match(encodedStream(dialect, events), /"arguments":"{}"/);
  }
});

test('joins text parts into one string for a target that takes no parts', () => {
  const blocks = [
    { type: 'text', text: 'a' },
    { type: 'text', text: 'b' },
  ] as const;
  const conversation: Conversation = { model: 'm', messages: [{ role: 'user', blocks }] };
  assert.deepEqual(encodeFor(openaiChat, conversation, { capabilities: { contentParts: false } }).body['messages'], [
    { role: 'user', content: 'a\n\nb' },
  ]);
});

test('gives empty content and finish length when all tokens went into thinking', () => {
  const [choice] = encodedAnswer(openaiChat, {
    choices: [{ index: 0, blocks: [], finish: { reason: 'length', native: 'MAX_TOKENS' } }],
  })['choices'] as JsonObject[];
  assert.equal((choice!['message'] as JsonObject)['content'], '');
  assert.equal(choice!['finish_reason'], 'length');
});

test('gives a choice that says content_filter when a blocked prompt has no candidates', () => {
  const [choice] = encodedAnswer(openaiChat, { choices: [] })['choices'] as JsonObject[];
  assert.equal(choice!['finish_reason'], 'content_filter');
});

test('answers a client that declared functions with function_call', () => {
  const conversation = conversationOf({ functions: [{ name: 'f', parameters: {} }] });
  const call = { type: 'tool-call', id: 'a', name: 'f', arguments: '{}' } as const;
  const [choice] = encodedAnswer(
    openaiChat,
    { choices: [{ index: 0, blocks: [call], finish: { reason: 'tool-calls' } }] },
    answerContext(conversation),
  )['choices'] as JsonObject[];
  assert.deepEqual((choice!['message'] as JsonObject)['function_call'], { name: 'f', arguments: '{}' });
  assert.equal(choice!['finish_reason'], 'function_call');
});

test('takes stop after tool calls for what it is', () => {
  const message = {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '' } }],
  };
  const answer = codec.decodeAnswer({ choices: [{ index: 0, message, finish_reason: 'stop' }] });
  assert.deepEqual(answer.choices[0]!.finish, { reason: 'tool-calls', native: 'stop' });
});

test('turns a 200 with an error inside into the error it reports', () => {
  assert.throws(
    () => codec.decodeAnswer({ error: { code: 429, message: 'slow down', metadata: {} } }),
    (error) =>
      isGatewayError(error) && error.code === 'UP_STATUS' && error.status === 429 && error.openaiCode === '429',
  );
  assert.throws(
    () => codec.decodeAnswer({ hello: 1 }),
    (error) => isGatewayError(error) && error.code === 'UP_BAD_BODY',
  );
});

const foreignEvents: readonly AnswerEvent[] = [
  { type: 'start', id: 'msg_1', model: 'claude' },
  { type: 'block-start', choice: 0, block: 0, head: { type: 'reasoning', maker: 'anthropic' } },
  { type: 'reasoning', choice: 0, block: 0, text: 'let me ' },
  { type: 'reasoning', choice: 0, block: 0, text: 'think' },
  { type: 'signature', choice: 0, block: 0, signature: 'SIG' },
  { type: 'block-end', choice: 0, block: 0 },
  { type: 'block-start', choice: 0, block: 1, head: { type: 'text' } },
  { type: 'text', choice: 0, block: 1, text: 'Hello "you"' },
  { type: 'text', choice: 0, block: 1, text: ' \ud83d' },
  { type: 'text', choice: 0, block: 1, text: '\ude00' },
  { type: 'block-end', choice: 0, block: 1 },
  { type: 'block-start', choice: 0, block: 2, head: { type: 'tool-call', id: 'toolu_a', name: 'f' } },
  { type: 'arguments', choice: 0, block: 2, text: '{"a":' },
  { type: 'block-start', choice: 0, block: 3, head: { type: 'tool-call', id: 'toolu_b', name: 'g' } },
  { type: 'arguments', choice: 0, block: 3, text: '{}' },
  { type: 'arguments', choice: 0, block: 2, text: '1}' },
  { type: 'block-end', choice: 0, block: 2 },
  { type: 'block-end', choice: 0, block: 3 },
  { type: 'finish', choice: 0, finish: { reason: 'tool-calls', native: 'tool_use' } },
  { type: 'usage', usage: { input: 5, output: 7 } },
  { type: 'end' },
];

test('streams role first, dense tool calls, one usage chunk, constant ids and [DONE] only at the end', () => {
  const text = encodedStream(openaiChat, foreignEvents, answerContext({ streamUsage: true }));
  const chunks = payloads(text);
  assert.deepEqual(
    new Set(chunks.map(({ id, created, model, object }) => JSON.stringify([id, created, model, object]))).size,
    1,
  );
  const deltas = chunks.flatMap(({ choices }) => (choices as JsonObject[]).map(({ delta }) => delta as JsonObject));
  assert.deepEqual(deltas[0], { role: 'assistant', content: '', refusal: null });
  const calls = deltas.flatMap(({ tool_calls: list }) => (list as JsonObject[] | undefined) ?? []);
  assert.deepEqual(calls[0], { index: 0, id: 'toolu_a', type: 'function', function: { name: 'f', arguments: '' } });
  assert.deepEqual(calls[2], { index: 1, id: 'toolu_b', type: 'function', function: { name: 'g', arguments: '' } });
  const last = chunks.at(-1)!;
  assert.deepEqual(last['choices'], []);
  assert.equal((last['usage'] as JsonObject)['total_tokens'], 12);
  assert.ok(chunks.slice(0, -1).every(({ usage }) => usage === null));
  assert.ok(text.endsWith('data: [DONE]\n\n'));
  const cut = encodedStream(openaiChat, foreignEvents.slice(0, -3), answerContext({ streamUsage: true }));
  assert.doesNotMatch(cut, /\[DONE\]|"usage":\{/);
});

test('streams no usage to a client that did not ask', () => {
  const text = encodedStream(openaiChat, foreignEvents);
  assert.doesNotMatch(text, /"usage"/);
  assert.ok(text.endsWith('data: [DONE]\n\n'));
});

test('streams what the OpenAI SDK puts together again, signature included', async () => {
  const text = encodedStream(openaiChat, foreignEvents, answerContext({ streamUsage: true }));
  await serving(text, 'text/event-stream', async (baseURL) => {
    const client = new OpenAI({ apiKey: 'k', baseURL, maxRetries: 0 });
    const completion = await client.chat.completions.stream({ model: 'm', messages: [] }).finalChatCompletion();
    const [choice] = completion.choices;
    assert.equal(choice!.message.content, 'Hello "you" 😀');
    assert.deepEqual(
      choice!.message.tool_calls?.map((call) => [call.id, call.type === 'function' && call.function.arguments]),
      [
        ['toolu_a', '{"a":1}'],
        ['toolu_b', '{}'],
      ],
    );
    assert.equal(choice!.finish_reason, 'tool_calls');
    assert.equal(completion.usage?.total_tokens, 12);
    const [back] = conversationOf({ messages: [JSON.parse(JSON.stringify(choice!.message)) as JsonObject] }).messages;
    const thinking = back!.blocks.find((block) => block.type === 'reasoning');
    assert.deepEqual([thinking?.text, thinking?.signature, thinking?.maker], ['let me think', 'SIG', 'anthropic']);
  });
});

test('tells parallel calls apart by id when all have index 0', () => {
  const call = (id: string | undefined, name: string | undefined, args: string) => ({
    index: 0,
    ...(id && { id, type: 'function' }),
    function: { ...(name && { name }), arguments: args },
  });
  const events = decodedEvents(
    openaiChat,
    chatStream(
      chatDelta({ role: 'assistant', tool_calls: [call('a', 'f', '{')] }),
      chatDelta({ tool_calls: [call('a', 'f', '}')] }),
      chatDelta({ tool_calls: [call('b', 'g', '[')] }),
      chatDelta({ tool_calls: [call(undefined, undefined, ']')] }),
      chatDelta({}, 'stop'),
    ),
  );
  const heads = events.flatMap((event) =>
    event.type === 'block-start' && event.head.type === 'tool-call' ? [event.head.id] : [],
  );
  assert.deepEqual(heads, ['a', 'b']);
  const texts = events.flatMap((event) => (event.type === 'arguments' ? [[event.block, event.text]] : []));
  assert.deepEqual(texts, [
    [0, '{'],
    [0, '}'],
    [1, '['],
    [1, ']'],
  ]);
  assert.ok(events.some((event) => event.type === 'finish' && event.finish.reason === 'tool-calls'));
});

test('starts at the second chunk when Azure sends filter results first, and finishes once', () => {
  const text = chatStream(
    { id: '', model: '', created: 0, choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
    chatDelta({ role: 'assistant', content: 'hi' }),
    chatDelta({}, 'stop'),
    { choices: [{ index: 0, finish_reason: null, content_filter_results: { hate: 1 } }] },
  );
  const events = decodedEvents(openaiChat, text);
  assert.deepEqual(
    events.filter(({ type }) => type === 'start').map((event) => event.type === 'start' && event.id),
    ['c1'],
  );
  assert.equal(events.filter(({ type }) => type === 'finish').length, 1);
  assert.match(encodedStream(openaiChat, events), /prompt_filter_results/);
});

test('reads usage from x_groq and from the last content chunk, and tells it once, after the finish', () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  for (const last of [
    { ...chatDelta({}, 'stop'), x_groq: { usage } },
    { ...chatDelta({ content: 'x' }, 'stop'), usage },
  ]) {
    const types = decodedEvents(openaiChat, chatStream(chatDelta({ role: 'assistant', content: 'a' }), last)).map(
      ({ type }) => type,
    );
    assert.deepEqual(types.filter((type) => type !== 'native').slice(-3), ['finish', 'usage', 'end']);
    assert.equal(types.filter((type) => type === 'usage').length, 1);
  }
});

test('throws when the stream ends without finish or [DONE], and accepts a finish alone', () => {
  const chunk = (finish: string | null) => [{ data: JSON.stringify(chatDelta({ content: 'x' }, finish)) }];
  assert.throws(
    () => decodedEvents(openaiChat, chunk(null)),
    (error) => isGatewayError(error) && error.code === 'UP_STREAM_CUT',
  );
  assert.equal(decodedEvents(openaiChat, chunk('stop')).at(-1)?.type, 'end');
});

test('throws what the provider said when the stream reports an error', () => {
  const cases: [JsonObject, number][] = [
    [{ error: { message: 'm', code: 402 } }, 402],
    [{ error: { message: 'm', type: 'rate_limit_error' } }, 429],
    [{ error: 'plain words' }, 502],
    [chatDelta({}, 'error'), 502],
  ];
  for (const [data, status] of cases) {
    const decoder = codec.decodeStream();
    assert.throws(
      () => decoder.event({ data: JSON.stringify(data) }, () => {}),
      (error) => isGatewayError(error) && error.code === 'UP_STREAM_ERROR' && error.status === status,
    );
  }
});

test('gives a file at a URL back under the name that its client gave it, and to responses under theirs', () => {
  for (const field of ['file_url', 'file_data']) {
    const file = { [field]: 'https://files.example/a.pdf', filename: 'a.pdf' };
    const body = { model: 'm', messages: [{ role: 'user', content: [{ type: 'file', file }] }] };
    const { body: encoded, lost } = encodeFor(openaiChat, codec.decodeRequest(body));
    assert.deepEqual([encoded, lost], [body, []]);
    const { input } = encodeFor(openaiResponses, codec.decodeRequest(body)).body as { input: { content: unknown[] }[] };
    const part = { type: 'input_file', file_url: 'https://files.example/a.pdf', filename: 'a.pdf' };
    assert.deepEqual(input[0]!.content, [part]);
  }
});

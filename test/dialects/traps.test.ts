import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEvent, Block, Conversation } from '../../plugin-sdk/conversation/index.ts';
import type { Dialect } from '../../plugin-sdk/dialects/dialect.ts';
import {
  anthropicMessages,
  bedrockConverse,
  cohereChat,
  geminiGenerateContent,
  openaiChat,
  openaiResponses,
} from '../../plugin-sdk/dialects/index.ts';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';
import {
  answerContext,
  chatDelta,
  chatStream,
  decodedEvents,
  encodedAnswer,
  encodedStream,
  encodeFor,
} from './codec-contexts.ts';
import { chatDialects } from './recorded-chats.ts';
import { requestMeaning } from './request-meaning.ts';

/** Known traps of translation that hold for several formats at once; those of one format stand in its own tests. */
const modelOf = (dialect: Dialect): string =>
  dialect === bedrockConverse
    ? 'us.anthropic.claude-opus-4-6-v1:0'
    : dialect === anthropicMessages
      ? 'claude-opus-4-6'
      : 'gemini-3-pro';

const native = [anthropicMessages, geminiGenerateContent, bedrockConverse, cohereChat];

function fromChat(body: JsonObject): Conversation {
  return openaiChat.chat!.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...body });
}

function sentTo(dialect: Dialect, conversation: Conversation) {
  return encodeFor(dialect, conversation, { model: modelOf(dialect) });
}

/** The request as the target understands it. */
function readBy(dialect: Dialect, conversation: Conversation): Conversation {
  return dialect.chat!.decodeRequest(sentTo(dialect, conversation).body);
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isGatewayError(error) && error.status === 400) return error.param ?? '';
    throw error;
  }
  return 'not refused';
}

const call = (id: string, args = '{"city":"Paris"}'): JsonObject => ({
  id,
  type: 'function',
  function: { name: 'get_weather', arguments: args },
});
const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: {} } } }];
const loop = (calls: JsonObject[], ...rest: JsonObject[]): JsonObject => ({
  tools,
  messages: [{ role: 'user', content: 'Weather?' }, { role: 'assistant', content: null, tool_calls: calls }, ...rest],
});
const result = (id: string): JsonObject => ({ role: 'tool', tool_call_id: id, content: `sunny in ${id}` });

test('passes a temperature of 0 on as it is', () => {
  for (const dialect of chatDialects) {
    const { sampling } = readBy(dialect, fromChat({ temperature: 0 }));
    assert.equal(sampling?.temperature, 0, dialect.id);
  }
});

test('writes a developer message as a system message for all but OpenAI', () => {
  const conversation = fromChat({
    messages: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ],
  });
  for (const dialect of native) {
    const { body } = sentTo(dialect, conversation);
    assert.doesNotMatch(JSON.stringify(body), /developer/, dialect.id);
    assert.equal(requestMeaning(readBy(dialect, conversation))['systemText'], 'Bebrief.', dialect.id);
  }
  const { body } = encodeFor(openaiChat, conversation, { capabilities: { developerRole: false } });
  assert.equal((body['messages'] as JsonObject[])[0]!['role'], 'system');
});

test('keeps every result with its call when the results come in another order', () => {
  const conversation = fromChat(
    loop([call('a'), call('b')], result('b'), result('a'), { role: 'user', content: 'So?' }),
  );
  for (const dialect of chatDialects) {
    const { results, userText, turns } = requestMeaning(readBy(dialect, conversation));
    assert.deepEqual(
      results,
      [
        [0, 'sunnyina', false],
        [1, 'sunnyinb', false],
      ],
      dialect.id,
    );
    assert.deepEqual([userText, turns], ['Weather?So?', ['user', 'assistant', 'user']], dialect.id);
  }
});

test('never drops a call of the history that has no result', () => {
  const conversation = fromChat(loop([call('a'), call('b')], result('a'), { role: 'user', content: 'Go on' }));
  for (const dialect of chatDialects) {
    const { calls } = requestMeaning(readBy(dialect, conversation));
    assert.equal((calls as unknown[]).length, 2, dialect.id);
  }
});

test('sends empty arguments as an empty object', () => {
  for (const dialect of chatDialects) {
    if (dialect === openaiChat) continue;
    const { calls } = requestMeaning(readBy(dialect, fromChat(loop([call('a', '')], result('a')))));
    assert.deepEqual(calls, [[0, 'get_weather', {}]], dialect.id);
  }
});

test('refuses arguments that are no JSON with 400, naming the call, where the format takes only JSON', () => {
  for (const dialect of native) {
    const conversation = fromChat(loop([call('a', '{"city":')], result('a')));
    assert.equal(
      refusal(() => sentTo(dialect, conversation)),
      'messages[1].tool_calls[0].function.arguments',
      dialect.id,
    );
  }
});

test('wraps arguments that are JSON but no object where the format takes only objects', () => {
  for (const dialect of [anthropicMessages, geminiGenerateContent, bedrockConverse]) {
    const { calls } = requestMeaning(readBy(dialect, fromChat(loop([call('a', '[1]')], result('a')))));
    assert.deepEqual(calls, [[0, 'get_weather', { value: [1] }]], dialect.id);
  }
});

test('gives a tool without parameters a schema only where one is demanded', () => {
  const conversation = fromChat({ tools: [{ type: 'function', function: { name: 'now' } }] });
  const schemas = native.map((dialect) =>
    JSON.stringify(sentTo(dialect, conversation).body['tools'] ?? sentTo(dialect, conversation).body['toolConfig']),
  );
  assert.match(schemas[0]!, /"input_schema":\{"type":"object"/);
  assert.doesNotMatch(schemas[1]!, /parameters/);
  assert.match(schemas[2]!, /"inputSchema":\{"json":\{"type":"object"/);
});

test('offers only the allowed tools to who does not know that choice', () => {
  const all = ['a', 'b'].map((name) => ({ type: 'function', function: { name } }));
  const allowed = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [all[1]!] } };
  const conversation = fromChat({ tools: all, tool_choice: allowed });
  const capabilities = { allowedTools: false, words: { tool_choice: { required: 'any' } } };
  const { body } = encodeFor(openaiChat, conversation, { capabilities });
  assert.deepEqual([body['tools'], body['tool_choice']], [[all[1]], 'any']);
  for (const dialect of [anthropicMessages, bedrockConverse, cohereChat])
    assert.deepEqual(
      requestMeaning(readBy(dialect, conversation))['tools'],
      [['b', undefined, 'function']],
      dialect.id,
    );
});

test('adds strict to no tool and no schema of a client that did not ask for it', () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } } };
  const sources = [
    anthropicMessages.chat!.decodeRequest({
      model: 'm',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'Hi' }],
      tools: [{ name: 'f', input_schema: parameters }],
    }),
    geminiGenerateContent.chat!.decodeRequest({
      contents: [{ parts: [{ text: 'Hi' }] }],
      tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: parameters }] }],
      generationConfig: { responseMimeType: 'application/json', responseJsonSchema: parameters },
    }),
  ];
  for (const conversation of sources) {
    for (const dialect of [openaiChat, openaiResponses]) {
      const written = JSON.stringify(encodeFor(dialect, { ...conversation, model: 'm' }).body);
      assert.doesNotMatch(written, /"strict":true/, dialect.id);
      // Responses are strict unless they are told otherwise.
      if (dialect === openaiResponses) assert.match(written, /"strict":false/);
    }
  }
});

test('refuses pictures that are neither JPEG, PNG, GIF nor WebP where the model sees no others', () => {
  for (const type of ['image/svg+xml', 'image/bmp', 'image/tiff']) {
    const content = [{ type: 'image_url', image_url: { url: `data:${type};base64,AAAA` } }];
    for (const dialect of [anthropicMessages, bedrockConverse]) {
      const conversation = fromChat({ messages: [{ role: 'user', content }] });
      assert.equal(
        refusal(() => sentTo(dialect, conversation)),
        'messages[0].content[0]',
        `${dialect.id} ${type}`,
      );
    }
  }
});

test('reports stop sequences beyond the four that OpenAI takes', () => {
  const stop_sequences = ['a', 'b', 'c', 'd', 'e'];
  const messages = [{ role: 'user', content: 'Hi' }];
  const conversation = anthropicMessages.chat!.decodeRequest({ model: 'm', max_tokens: 9, messages, stop_sequences });
  const { body, lost } = encodeFor(openaiChat, conversation);
  assert.deepEqual([body['stop'], lost], [['a', 'b', 'c', 'd'], ['stop']]);
});

test('gives no words beside calls to who had none', () => {
  const conversation = fromChat(loop([call('a')], result('a')));
  for (const dialect of native) {
    const { assistantText } = requestMeaning(readBy(dialect, conversation));
    assert.equal(assistantText, '', dialect.id);
    assert.doesNotMatch(JSON.stringify(sentTo(dialect, conversation).body), /"text":""/, dialect.id);
  }
});

test('refuses sound for who cannot hear, naming the part', () => {
  const content = [
    { type: 'text', text: 'Listen' },
    { type: 'input_audio', input_audio: { data: 'AAAA', format: 'flac' } },
  ];
  const conversation = fromChat({ messages: [{ role: 'user', content }] });
  for (const dialect of [anthropicMessages, cohereChat, openaiResponses])
    assert.match(
      refusal(() => sentTo(dialect, conversation)),
      /^messages\[0\]\.content\[1\]/,
      dialect.id,
    );
  const spoken = geminiGenerateContent.chat!.decodeRequest({
    contents: [{ role: 'user', parts: [{ text: 'Listen' }, { inlineData: { mimeType: 'audio/flac', data: 'AAAA' } }] }],
  });
  for (const dialect of [openaiChat, openaiResponses])
    assert.match(
      refusal(() => sentTo(dialect, { ...spoken, model: 'm' })),
      /^messages\[0\]\.content\[1\]/,
      dialect.id,
    );
});

test('refuses a file that lies at another provider, naming the part', () => {
  const content = [
    { type: 'text', text: 'Read' },
    { type: 'file', file: { file_id: 'file-abc' } },
  ];
  const conversation = fromChat({ messages: [{ role: 'user', content }] });
  for (const dialect of native)
    assert.match(
      refusal(() => sentTo(dialect, conversation)),
      /^messages\[0\]\.content\[1\]/,
      dialect.id,
    );
  const document = { type: 'document', source: { type: 'file', file_id: 'file_011CNha8iCJcU1wXNR6q4V8w' } };
  const messages = [{ role: 'user', content: [{ type: 'text', text: 'Read' }, document] }];
  const uploaded = anthropicMessages.chat!.decodeRequest({ model: 'm', max_tokens: 9, messages });
  for (const dialect of [openaiChat, openaiResponses])
    assert.match(
      refusal(() => sentTo(dialect, uploaded)),
      /^messages\[0\]\.content\[1\]/,
      dialect.id,
    );
});

test('names log probabilities as lost where there are none, and never makes them up', () => {
  for (const dialect of [anthropicMessages, geminiGenerateContent, bedrockConverse]) {
    const { lost } = sentTo(dialect, fromChat({ logprobs: true, top_logprobs: 2 }));
    assert.ok(
      lost.some((path) => /logprobs/.test(path)),
      dialect.id,
    );
  }
  const blocks: Block[] = [{ type: 'text', text: 'Hi' }];
  const body = encodedAnswer(openaiChat, { choices: [{ index: 0, blocks, finish: { reason: 'stop' } }] });
  assert.equal((body['choices'] as JsonObject[])[0]!['logprobs'], null);
});

test('counts reasoning as output where a provider leaves it out of the completion', () => {
  const usageOf = (total_tokens: number) => {
    const usage = { prompt_tokens: 10, completion_tokens: 5, reasoning_tokens: 20, total_tokens };
    return openaiChat.chat!.decodeAnswer({ choices: [], usage }).usage;
  };
  assert.deepEqual(usageOf(35), { input: 10, output: 25, reasoning: 20 });
  assert.deepEqual(usageOf(15), { input: 10, output: 5, reasoning: 20 });
});

test('states when an answer was made in whole seconds, from the clock where the provider does not say', () => {
  const said = { role: 'assistant', type: 'message', content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn' };
  const fromClaude = anthropicMessages.chat!.decodeAnswer({ id: 'msg_1', model: 'c', ...said });
  assert.equal(encodedAnswer(openaiChat, fromClaude)['created'], answerContext().now);
  const candidates = [{ content: { parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }];
  const fromGoogle = geminiGenerateContent.chat!.decodeAnswer({
    candidates,
    createTime: '2026-02-17T04:28:46.296919Z',
  });
  assert.equal(encodedAnswer(openaiChat, fromGoogle)['created'], 1_771_302_526);
  assert.equal(encodedAnswer(openaiResponses, fromGoogle)['created_at'], 1_771_302_526);
});

test('keeps a character whose halves come in two deltas', () => {
  const [high, low] = ['\ud83d', '\ude00'];
  const events = decodedEvents(
    openaiChat,
    chatStream(chatDelta({ content: high }), chatDelta({ content: low }), chatDelta({}, 'stop')),
  );
  for (const dialect of [openaiChat, openaiResponses, anthropicMessages, geminiGenerateContent, cohereChat]) {
    const text = decodedEvents(dialect, encodedStream(dialect, events))
      .map((event) => (event.type === 'text' ? event.text : ''))
      .join('');
    assert.equal(text, '😀', dialect.id);
  }
});

test('drops the name of a message for who has none, and says so', () => {
  const conversation = fromChat({ messages: [{ role: 'user', name: 'ann', content: 'Hi' }] });
  for (const dialect of [...native, openaiResponses]) {
    const { body, lost } = sentTo(dialect, conversation);
    assert.deepEqual(lost, ['messages[0].name'], dialect.id);
    assert.doesNotMatch(JSON.stringify(body), /ann/, dialect.id);
  }
});

test('says what it leaves out for a model that does not take it', () => {
  const conversation = fromChat({ temperature: 0.5, top_p: 0.5, seed: 1 });
  const { body, lost } = encodeFor(anthropicMessages, conversation, { model: 'claude-opus-5-5' });
  assert.deepEqual(
    [body['temperature'], body['top_p'], lost.sort()],
    [undefined, undefined, ['seed', 'temperature', 'top_p']],
  );
});

test('sends no service tier that the target does not know', () => {
  const known = {
    [anthropicMessages.id]: [undefined, 'auto', 'standard_only'],
    [bedrockConverse.id]: [undefined, 'priority', 'default', 'flex', 'reserved'],
    [geminiGenerateContent.id]: [undefined, 'flex', 'standard', 'priority'],
    [cohereChat.id]: [undefined],
  } as Record<string, unknown[]>;
  for (const service_tier of ['auto', 'default', 'flex', 'priority', 'scale']) {
    for (const dialect of native) {
      const { body } = sentTo(dialect, fromChat({ service_tier }));
      const tier =
        body['service_tier'] ?? (body['serviceTier'] as JsonObject | undefined)?.['type'] ?? body['serviceTier'];
      assert.ok(known[dialect.id]!.includes(tier), `${dialect.id} ${service_tier}: ${JSON.stringify(tier)}`);
    }
  }
});

test('counts a failed answer as incomplete and passes the word of the provider on', () => {
  const candidates = [{ content: { parts: [{ text: 'I' }] }, finishReason: 'MALFORMED_FUNCTION_CALL' }];
  const answer = geminiGenerateContent.chat!.decodeAnswer({ candidates });
  const [choice] = encodedAnswer(openaiChat, answer)['choices'] as JsonObject[];
  assert.deepEqual([choice!['finish_reason'], choice!['native_finish_reason']], ['length', 'MALFORMED_FUNCTION_CALL']);
  assert.equal(encodedAnswer(anthropicMessages, answer)['stop_reason'], 'max_tokens');
  const text = `data: ${JSON.stringify({ candidates })}\n\n`;
  const streamed = encodedStream(openaiChat, decodedEvents(geminiGenerateContent, text));
  assert.match(streamed, /"finish_reason":"length","native_finish_reason":"MALFORMED_FUNCTION_CALL"/);
});

test('makes the user say a prompt that is all system text, for who needs a message', () => {
  const conversation = fromChat({ messages: [{ role: 'system', content: 'Tell a joke.' }] });
  for (const dialect of [anthropicMessages, bedrockConverse, geminiGenerateContent])
    assert.equal(requestMeaning(readBy(dialect, conversation))['userText'], 'Tellajoke.', dialect.id);
});

test('reads back from a chat stream of its own the signature, its maker and the words once', () => {
  const at = { choice: 0, block: 0 };
  const events: AnswerEvent[] = [
    { type: 'start' },
    { type: 'block-start', ...at, head: { type: 'reasoning', maker: 'anthropic' } },
    { type: 'reasoning', ...at, text: 'Let me ' },
    { type: 'reasoning', ...at, text: 'think.' },
    { type: 'signature', ...at, signature: 'SIG' },
    { type: 'block-end', ...at },
    { type: 'finish', choice: 0, finish: { reason: 'stop' } },
    { type: 'end' },
  ];
  const back = decodedEvents(openaiChat, encodedStream(openaiChat, events));
  assert.equal(back.map((event) => (event.type === 'reasoning' ? event.text : '')).join(''), 'Let me think.');
  const signature = back.find((event) => event.type === 'signature');
  assert.deepEqual([signature?.signature, signature?.maker], ['SIG', 'anthropic']);
});

test('lets a plugin change the usage that a stream of Anthropic reports to its own client', () => {
  const usage = { input_tokens: 10, output_tokens: 1 };
  const message = { id: 'm', type: 'message', role: 'assistant', model: 'c', content: [], stop_reason: null, usage };
  const text = [
    { type: 'message_start', message },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } },
    { type: 'message_stop' },
  ]
    .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('');
  const events = decodedEvents(anthropicMessages, text);
  assert.match(encodedStream(anthropicMessages, events), /"usage":\{"output_tokens":5\}/);
  const changed = events.map((event) =>
    event.type === 'usage' ? { ...event, usage: { ...event.usage, output: 7 } } : event,
  );
  assert.match(encodedStream(anthropicMessages, changed), /"output_tokens":7/);
});

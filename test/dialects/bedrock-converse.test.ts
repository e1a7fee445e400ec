import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import type { AnswerEvent, Block, Conversation, Message } from '../../plugin-sdk/conversation/index.ts';
import { anthropicMessages } from '../../plugin-sdk/dialects/anthropic-messages/index.ts';
import { bedrockConverse } from '../../plugin-sdk/dialects/bedrock-converse/index.ts';
import { GatewayError, isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';

const chat = bedrockConverse.chat!;
const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const nova = 'us.amazon.nova-lite-v1:0';
const llama = 'us.meta.llama4-maverick-17b-instruct-v1:0';
const mistral = 'us.mistral.pixtral-large-2502-v1:0';

const text = (value: string): Block => ({ type: 'text', text: value });
const user = (...blocks: Block[]): Message => ({ role: 'user', blocks });
const assistant = (...blocks: Block[]): Message => ({ role: 'assistant', blocks });
const hi = [user(text('hi'))];
const tool = { type: 'function', name: 'f', description: '', parameters: { type: 'object', properties: {} } } as const;
const schema = {
  type: 'object',
  properties: { a: { type: 'string' } },
  required: ['a'],
  additionalProperties: false,
} satisfies JsonObject;

interface Options {
  readonly model?: string;
  readonly capabilities?: Record<string, unknown>;
}

function encode(fields: Partial<Conversation>, { model = claude, capabilities = {} }: Options = {}) {
  const lost: string[] = [];
  const body = chat.encodeRequest(
    { model: 'any', messages: hi, ...fields },
    { model, stream: false, capabilities, lost: (path) => lost.push(path) },
  );
  return {
    body: body as JsonObject & {
      messages: { role: string; content: JsonObject[] }[];
      toolConfig?: JsonObject & { tools: JsonObject[] };
    },
    lost,
  };
}

function paramOfRefusal(fields: Partial<Conversation>, options?: Options): string | undefined {
  try {
    encode(fields, options);
  } catch (error) {
    assert.ok(isGatewayError(error) && error.code === 'REQ_INVALID');
    return error.param;
  }
  assert.fail('the request was accepted');
}

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString(),
  (value) => Buffer.from(value),
);

function frames(bytes: Uint8Array): { name: unknown; kind: unknown; payload: JsonObject }[] {
  const found = [];
  for (let rest = Buffer.from(bytes); rest.length > 0; rest = rest.subarray(rest.readUInt32BE(0))) {
    const { headers, body } = codec.decode(rest.subarray(0, rest.readUInt32BE(0)));
    const name = (headers[':event-type'] ?? headers[':exception-type'])!.value;
    found.push({ name, kind: headers[':message-type']!.value, payload: JSON.parse(Buffer.from(body).toString()) });
  }
  return found;
}

function decode(events: readonly (readonly [string, JsonObject])[], request?: Conversation): AnswerEvent[] {
  const decoder = chat.decodeStream(request);
  const emitted: AnswerEvent[] = [];
  for (const [name, payload] of events)
    decoder.event({ name, data: JSON.stringify({ ...payload, p: 'abc' }) }, (one) => emitted.push(one));
  decoder.end((one) => emitted.push(one));
  return emitted;
}

const start = ['messageStart', { role: 'assistant' }] as const;
const ended = (stopReason: string) =>
  [
    ['messageStop', { stopReason }],
    ['metadata', { usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 }, metrics: { latencyMs: 4 } }],
  ] as const;

test('writes limits, sampling and stops into inferenceConfig and the rest where Claude reads it', () => {
  const { body, lost } = encode({
    messages: [{ role: 'system', blocks: [text('rule')] }, ...hi],
    maxOutputTokens: 100,
    sampling: { temperature: 1.7, topK: 5 },
    stop: ['END', ' '],
    serviceTier: 'priority',
    metadata: { team: 'a' },
    endUser: 'u',
  });
  assert.deepEqual(body, {
    messages: [{ role: 'user', content: [{ text: 'hi' }] }],
    system: [{ text: 'rule' }],
    inferenceConfig: { maxTokens: 100, temperature: 1, stopSequences: ['END'] },
    additionalModelRequestFields: { top_k: 5 },
    requestMetadata: { team: 'a' },
    serviceTier: { type: 'priority' },
  });
  assert.deepEqual(lost.sort(), ['stop', 'temperature', 'user']);
});

test('supplies maxTokens for Claude only', () => {
  assert.deepEqual(encode({}).body.inferenceConfig, { maxTokens: 21_333 });
  assert.equal('inferenceConfig' in encode({}, { model: nova }).body, false);
});

test('thinks through additionalModelRequestFields with Claude and reports reasoning elsewhere', () => {
  const { body } = encode(
    { maxOutputTokens: 100, reasoning: { effort: 'low' } },
    { capabilities: { anthropicBeta: ['b-1'] } },
  );
  assert.deepEqual(body.additionalModelRequestFields, {
    thinking: { type: 'enabled', budget_tokens: 2_048 },
    anthropic_beta: ['b-1'],
  });
  assert.deepEqual(body.inferenceConfig, { maxTokens: 2_148 });
  assert.deepEqual(
    encode({ reasoning: { effort: 'low' } }, { model: nova, capabilities: { anthropicBeta: ['b-1'] } }).lost,
    ['reasoning_effort'],
  );
  assert.deepEqual(
    encode({ reasoning: { effort: 'high' } }, { model: 'us.anthropic.claude-opus-4-7' }).body.outputConfig,
    { effort: 'high' },
  );
});

test('puts top_k where each family reads it', () => {
  const sampling = { topK: 5 };
  assert.deepEqual(encode({ sampling }, { model: nova }).body.additionalModelRequestFields, {
    inferenceConfig: { topK: 5 },
  });
  assert.deepEqual(encode({ sampling }, { model: llama }).lost, ['top_k']);
});

test('has no tool choice none: tools go, or stay with a word where the history needs them', () => {
  const none: Partial<Conversation> = { tools: [tool], toolChoice: { type: 'none' } };
  assert.equal('toolConfig' in encode(none).body, false);
  const { body } = encode({
    ...none,
    messages: [...hi, assistant({ type: 'tool-call', id: 'a', name: 'f', arguments: '{}' })],
  });
  assert.deepEqual(body.toolConfig, {
    tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object', properties: {} } } } }],
  });
  assert.match(JSON.stringify(body.system), /without calling any tool/);
});

test('defines the tools of a history that come without any, since Bedrock asks for them beside calls', () => {
  const called = { type: 'tool-call', id: 'c1', name: 'look up', arguments: '{}' } as const;
  const result = { type: 'tool-result', callId: 'c1', content: [{ type: 'text', text: '21' }] } as const;
  const messages = [...hi, assistant(called), user(result)];
  const { body, lost } = encode({ messages });
  const name = (body.messages[1]!.content[0]!['toolUse'] as JsonObject)['name'];
  assert.deepEqual(body.toolConfig, {
    tools: [{ toolSpec: { name, description: name, inputSchema: { json: { type: 'object' } } } }],
  });
  assert.deepEqual(body['system'], [{ text: 'Answer without calling any tool.' }]);
  assert.deepEqual(lost, []);
  assert.equal(encode({}).body.toolConfig, undefined);
});

test('gives a client that offered no tools no calls of those that its history has', () => {
  const called = { type: 'tool-call', id: 'c1', name: 'f', arguments: '{}' } as const;
  const messages = [...hi, assistant(called), user({ type: 'tool-result', callId: 'c1', content: [text('21')] })];
  const toolUse = { toolUseId: 'c2', name: 'f' };
  const said = (request: Conversation) => {
    const [choice] = chat.decodeAnswer(
      { output: { message: { content: [{ text: 'a' }, { toolUse }] } }, stopReason: 'tool_use' },
      request,
    ).choices;
    const events = decode(
      [start, ['contentBlockStart', { contentBlockIndex: 0, start: { toolUse } }], ...ended('tool_use')],
      request,
    );
    const opened = events.flatMap((event) => (event.type === 'block-start' ? event.head.type : []));
    const finish = events.find((event) => event.type === 'finish')!.finish;
    return [choice!.blocks.map(({ type }) => type), choice!.finish!.reason, opened, finish.reason];
  };
  const none = [['text'], 'stop', [], 'stop'];
  const all = [['text', 'tool-call'], 'tool-calls', ['tool-call'], 'tool-calls'];
  const search = { type: 'provider', dialect: 'openai.responses', value: { type: 'web_search' } } as const;
  assert.deepEqual(said({ model: 'm', messages }), none);
  assert.deepEqual(said({ model: 'm', messages, tools: [search] }), none);
  assert.deepEqual(said({ model: 'm', messages, tools: [tool] }), all);
  // Its own clients are given what the provider said.
  assert.deepEqual(said(chat.decodeRequest(encode({ messages }).body)), all);
});

test('puts a mark inside a tool result behind it, where Bedrock takes cache points', () => {
  const part = { type: 'text', text: '21', cache: {} } as const;
  const called = { type: 'tool-call', id: 'c1', name: 'f', arguments: '{}' } as const;
  const result = { type: 'tool-result', callId: 'c1', content: [part, { type: 'text', text: 'C' }] } as const;
  const messages = [...hi, assistant(called), user(result)];
  const { body, lost } = encode({ messages, tools: [tool] });
  assert.deepEqual(body.messages[2]!.content, [
    { toolResult: { toolUseId: 'c1', content: [{ text: '21' }, { text: 'C' }] } },
    { cachePoint: { type: 'default' } },
  ]);
  assert.deepEqual(lost, []);
});

test('counts marks inside tool results among the four', () => {
  const result = (n: number) =>
    ({ type: 'tool-result', callId: `c${n}`, content: [{ type: 'text', text: '1', cache: {} }] }) as const;
  const ids = [0, 1, 2, 3, 4];
  const calls = ids.map((n): Block => ({ type: 'tool-call', id: `c${n}`, name: 'f', arguments: '{}' }));
  const { body, lost } = encode({ messages: [...hi, assistant(...calls), user(...ids.map(result))], tools: [tool] });
  assert.deepEqual(
    body.messages[2]!.content.map((block) => Object.keys(block)[0]),
    ['toolResult', ...Array.from({ length: 4 }, () => ['toolResult', 'cachePoint']).flat()],
  );
  assert.deepEqual(lost, ['cache_control']);
});

test('leaves out metadata that Bedrock does not take, and says which', () => {
  const many = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`k${i}`, 'v']));
  const { body, lost } = encode({
    metadata: { team: 'a, b: c@d', note: 'with (brackets)', long: 'x'.repeat(257), empty: '', ...many },
  });
  const { k14: _, ...kept } = many;
  assert.deepEqual(body['requestMetadata'], { team: 'a, b: c@d', empty: '', ...kept });
  assert.deepEqual(lost, ['metadata.note', 'metadata.long', 'metadata.k14']);
  assert.equal(encode({ metadata: { note: '(' } }).body['requestMetadata'], undefined);
  // Nobody says that `\s` in Bedrock's pattern is more than the white space of ASCII.
  const spaced = encode({ metadata: { plain: 'a b\tc', french: 'a\u00a0: b', clé: 'a', '': 'b' } });
  assert.deepEqual(spaced.body['requestMetadata'], { plain: 'a b\tc' });
  assert.deepEqual(spaced.lost, ['metadata.french', 'metadata.clé', 'metadata.']);
});

test('forces tools only as far as the model family allows', () => {
  const choice = (model: string) => {
    const { body, lost } = encode({ tools: [tool], toolChoice: { type: 'tool', name: 'f' } }, { model });
    return [body.toolConfig!.toolChoice, lost];
  };
  assert.deepEqual(choice(claude), [{ tool: { name: 'f' } }, []]);
  assert.deepEqual(choice(mistral), [{ any: {} }, ['tool_choice']]);
  assert.deepEqual(choice(llama), [{ auto: {} }, ['tool_choice']]);
});

test('shortens tool names to 64 characters and gives the client its own back', () => {
  const name = `tool.${'x'.repeat(80)}`;
  const conversation: Conversation = { model: 'm', messages: hi, tools: [{ ...tool, name }] };
  const wire = (encode(conversation).body.toolConfig!.tools[0]!.toolSpec as JsonObject).name as string;
  assert.match(wire, /^[a-zA-Z0-9_-]{1,64}$/);
  const events = decode(
    [
      start,
      ['contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 'i', name: wire } } }],
      ...ended('tool_use'),
    ],
    conversation,
  );
  const opened = events.find((event) => event.type === 'block-start')!;
  assert.equal(opened.head.type === 'tool-call' && opened.head.name, name);
});

test('gives foreign call ids a form that the model family takes, the same for call and result', () => {
  const id = 'call:with spaces/and-much-more-than-sixty-four-characters-in-total-0123456789';
  const messages = [
    ...hi,
    assistant({ type: 'tool-call', id, name: 'f', arguments: '' }),
    user({ type: 'tool-result', callId: id, content: [text('ok')], isError: true }),
  ];
  for (const [model, form] of [
    [claude, /^[\w.:-]{1,64}$/],
    [mistral, /^[a-zA-Z0-9]{9}$/],
  ] as const) {
    const [, called, answered] = encode({ messages, tools: [tool] }, { model }).body.messages;
    const use = called!.content[0]!.toolUse as JsonObject;
    assert.match(String(use.toolUseId), form);
    assert.deepEqual(answered!.content[0], {
      toolResult: { toolUseId: use.toolUseId!, content: [{ text: 'ok' }], status: 'error' },
    });
    assert.deepEqual(use.input, {});
  }
});

test('puts all tool results of a turn into one user message, first', () => {
  const call = (id: string): Block => ({ type: 'tool-call', id, name: 'f', arguments: '{}' });
  const result = (callId: string): Block => ({ type: 'tool-result', callId, content: [text('ok')] });
  const { body } = encode({
    messages: [...hi, assistant(call('a'), call('b')), user(result('a')), user(text('now'), result('b'))],
    tools: [tool],
  });
  assert.deepEqual(
    body.messages[2]!.content.map((block) => Object.keys(block)[0]),
    ['toolResult', 'toolResult', 'text'],
  );
});

test('names documents, gives them words and distinct names', () => {
  const file = (name?: string): Block => ({
    type: 'file',
    source: { kind: 'base64', mediaType: 'application/pdf', data: 'JVBERi0x' },
    ...(name ? { name } : {}),
  });
  const { content } = encode({ messages: [user(file('my_report (v2).pdf'), file(), file())] }).body.messages[0]!;
  assert.deepEqual(
    content.map(({ document, text: words }) => (document as JsonObject | undefined)?.name ?? words),
    ['my report (v2)', 'document', 'document 2', 'See the document.'],
  );
});

test('refuses media by URL with its path, and takes inline media by its true type', () => {
  const png = Buffer.from('\x89PNG\r\n\x1a\n0000000000000000', 'latin1').toString('base64');
  assert.equal(
    paramOfRefusal({ messages: [user(text('x'), { type: 'image', source: { kind: 'url', url: 'https://a/b.png' } })] }),
    'messages[0].content[1]',
  );
  const { body } = encode({
    messages: [user({ type: 'image', source: { kind: 'url', url: `data:image/jpg;base64,${png}` } })],
  });
  assert.deepEqual(body.messages[0]!.content[0], { image: { format: 'png', source: { bytes: png } } });
});

test('writes cache marks as cache points, at most four', () => {
  const marked = Array.from({ length: 5 }, (_, n): Block => ({ type: 'text', text: `t${n}`, cache: { ttl: '30m' } }));
  const { body, lost } = encode({ messages: [user(...marked)], tools: [{ ...tool, cache: {} }] });
  assert.deepEqual(body.toolConfig!.tools.length, 1);
  assert.deepEqual(
    body.messages[0]!.content.map((block) => Object.keys(block)[0]),
    ['text', 'text', 'cachePoint', 'text', 'cachePoint', 'text', 'cachePoint', 'text', 'cachePoint'],
  );
  assert.deepEqual(body.messages[0]!.content[2], { cachePoint: { type: 'default', ttl: '1h' } });
  assert.deepEqual(lost, ['cache_control']);
});

test('starts with a user turn where the model wants one', () => {
  const messages = [assistant(text('hello')), ...hi];
  assert.equal(encode({ messages }, { model: nova }).body.messages[0]!.role, 'user');
  assert.equal(encode({ messages }).body.messages[0]!.role, 'assistant');
});

test('answers a schema natively where the model can, and through the answer tool elsewhere', () => {
  const output = { type: 'schema', schema, name: 'thing' } as const;
  assert.deepEqual(encode({ output }).body.outputConfig, {
    textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'thing', schema: JSON.stringify(schema) } } },
  });
  assert.deepEqual(encode({ output }, { model: nova }).body.toolConfig!.toolChoice, {
    tool: { name: 'bf_json_answer' },
  });
  const reply = {
    output: { message: { content: [{ toolUse: { toolUseId: 'i', name: 'bf_json_answer', input: { a: 'b' } } }] } },
    stopReason: 'tool_use',
  };
  const [choice] = chat.decodeAnswer(reply).choices;
  assert.deepEqual([choice!.blocks, choice!.finish!.reason], [[{ type: 'text', text: '{"a":"b"}' }], 'stop']);
});

test('sends the thinking of Claude to Claude only', () => {
  const messages = [
    ...hi,
    assistant({ type: 'reasoning', text: 'hm', signature: 's', maker: 'anthropic' }, text('a')),
    ...hi,
  ];
  assert.deepEqual(encode({ messages }).body.messages[1]!.content[0], {
    reasoningContent: { reasoningText: { text: 'hm', signature: 's' } },
  });
  assert.deepEqual(encode({ messages }, { model: nova }).body.messages[1]!.content, [{ text: 'a' }]);
});

test("carries Claude's redacted thinking between Anthropic and Bedrock unchanged", () => {
  const data = 'EvMCCkYICxgCKkCHP2cSuEdc';
  const conversation = anthropicMessages.chat!.decodeRequest({
    messages: [
      { role: 'assistant', content: [{ type: 'redacted_thinking', data }] },
      { role: 'user', content: 'go on' },
    ],
  });
  const { body } = encode(conversation);
  const [block] = chat.decodeRequest(body).messages[0]!.blocks;
  assert.deepEqual(block, { type: 'reasoning', encrypted: data, maker: 'anthropic' });
});

test('adds the cache to the input on decode and takes it out on encode', () => {
  const usage = {
    inputTokens: 13,
    outputTokens: 5,
    totalTokens: 1_522,
    cacheReadInputTokens: 1_504,
    cacheWriteInputTokens: 0,
  };
  const answer = chat.decodeAnswer({ output: { message: { content: [] } }, usage, stopReason: 'end_turn' });
  assert.deepEqual(answer.usage, { input: 1_517, output: 5, cachedInput: 1_504, cacheWriteInput: 0 });
  assert.deepEqual(
    chat.encodeAnswer(answer, { requestId: 'r', model: 'm', conversation: { model: 'm', messages: [] }, now: 0 }).usage,
    usage,
  );
});

test('opens a text block at its first delta, since text has no start event', () => {
  const events = decode([
    start,
    ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'hi' } }],
    ['contentBlockStop', { contentBlockIndex: 0 }],
    ...ended('end_turn'),
  ]);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['start', 'block-start', 'text', 'block-end', 'finish', 'usage', 'end'],
  );
});

test('gives a call without fragments the arguments {}', () => {
  const events = decode([
    start,
    ['contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 'i', name: 'f' } } }],
    ['contentBlockDelta', { contentBlockIndex: 0, delta: { toolUse: { input: '' } } }],
    ['contentBlockStop', { contentBlockIndex: 0 }],
    ...ended('tool_use'),
  ]);
  assert.deepEqual(
    events.filter((event) => event.type === 'arguments').map((event) => event.text),
    ['{}'],
  );
});

test('calls a stream cut that lacks its messageStop or its metadata', () => {
  const isCut = (error: unknown): boolean => isGatewayError(error) && error.code === 'UP_STREAM_CUT';
  assert.throws(() => decode([start]), isCut);
  assert.throws(() => decode([start, ended('end_turn')[0]]), isCut);
  assert.throws(() => decode([start, ended('end_turn')[1]]), isCut);
});

test('throws an exception frame with its status', () => {
  const fail = (name: string, data: JsonObject) => () =>
    chat.decodeStream().event({ name, data: JSON.stringify(data), exception: true }, () => {});
  const cases = [
    ['throttlingException', { message: 'm' }, 429],
    ['modelStreamErrorException', { message: 'm', originalStatusCode: 500 }, 500],
    ['validationException', { message: 'm' }, 400],
  ] as const;
  for (const [name, data, status] of cases) {
    assert.throws(
      fail(name, data),
      (error) => isGatewayError(error) && error.code === 'UP_STREAM_ERROR' && error.status === status,
    );
  }
});

test('writes interleaved blocks and an error as AWS frames', () => {
  const encoder = chat.encodeStream({ requestId: 'r', model: 'm', conversation: { model: 'm', messages: [] }, now: 0 });
  const events: AnswerEvent[] = [
    { type: 'start' },
    { type: 'block-start', choice: 0, block: 3, head: { type: 'tool-call', id: 'a', name: 'f' } },
    { type: 'block-start', choice: 0, block: 5, head: { type: 'tool-call', id: 'b', name: 'g' } },
    { type: 'arguments', choice: 0, block: 5, text: '{}' },
    { type: 'block-end', choice: 0, block: 3 },
    { type: 'finish', choice: 0, finish: { reason: 'tool-calls' } },
    { type: 'usage', usage: { input: 3, output: 4 } },
    { type: 'end' },
  ];
  const written = frames(Buffer.concat(events.map((event) => Buffer.from(encoder.event(event)))));
  assert.deepEqual(
    written.map(({ name, payload }) => [name, payload.contentBlockIndex]),
    [
      ['messageStart', undefined],
      ['contentBlockStart', 0],
      ['contentBlockStart', 1],
      ['contentBlockDelta', 1],
      ['contentBlockStop', 0],
      ['contentBlockStop', 1],
      ['messageStop', undefined],
      ['metadata', undefined],
    ],
  );
  assert.deepEqual(written.at(-1)!.payload.usage, { inputTokens: 3, outputTokens: 4, totalTokens: 7 });
  const [error] = frames(
    Buffer.from(bedrockConverse.encodeStreamError(new GatewayError('UP_STREAM_CUT', { provider: 'X' }), 'r')),
  );
  assert.deepEqual([error!.name, error!.kind], ['serviceUnavailableException', 'exception']);
});

test("translates an Anthropic client's request for Claude at Bedrock without loss", () => {
  const conversation = anthropicMessages.chat!.decodeRequest({
    model: 'claude-sonnet-4-5',
    max_tokens: 5_000,
    system: [{ type: 'text', text: 's', cache_control: { type: 'ephemeral' } }],
    thinking: { type: 'enabled', budget_tokens: 2_000 },
    tools: [{ name: 'f', input_schema: { type: 'object', properties: {} } }],
    tool_choice: { type: 'auto' },
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'q' }] },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'sig' },
          { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'r' }] },
    ],
  });
  const { body, lost } = encode(conversation);
  assert.deepEqual(lost, []);
  assert.deepEqual(body, {
    messages: [
      { role: 'user', content: [{ text: 'q' }] },
      {
        role: 'assistant',
        content: [
          { reasoningContent: { reasoningText: { text: 'hm', signature: 'sig' } } },
          { toolUse: { toolUseId: 'toolu_1', name: 'f', input: { a: 1 } } },
        ],
      },
      { role: 'user', content: [{ toolResult: { toolUseId: 'toolu_1', content: [{ text: 'r' }] } }] },
    ],
    system: [{ text: 's' }, { cachePoint: { type: 'default' } }],
    inferenceConfig: { maxTokens: 5_000 },
    toolConfig: {
      tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object', properties: {} } } } }],
      toolChoice: { auto: {} },
    },
    additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 2_000 } },
  });
});

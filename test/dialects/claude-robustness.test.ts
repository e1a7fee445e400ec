import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anthropicMessages, bedrockConverse } from '../../plugin-sdk/dialects/index.ts';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';

const dialects = [anthropicMessages, bedrockConverse];
const words = [
  ...[
    'messages',
    'role',
    'content',
    'type',
    'text',
    'tool_use',
    'tool_result',
    'thinking',
    'image',
    'source',
    'base64',
    'system',
  ],
  ...[
    'user',
    'assistant',
    'toolUse',
    'toolResult',
    'input',
    'id',
    'name',
    'tools',
    'document',
    'bytes',
    'cachePoint',
    'cache_control',
  ],
  ...[
    'output',
    'message',
    'usage',
    'delta',
    'index',
    'content_block',
    'start',
    'stopReason',
    'stop_reason',
    'output_config',
    'format',
  ],
  ...[
    'reasoningContent',
    'reasoningText',
    'citationsContent',
    'json',
    'tool_choice',
    'toolConfig',
    'inferenceConfig',
    'signature',
  ],
];

/** JSON that looks like these formats at every level, and is wrong somewhere. */
const { value: alike } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 6 }, fc.constantFrom<unknown>(...words, '', null, 1, true), tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 3 }),
  object: fc.dictionary(fc.constantFrom(...words), tie('value'), { maxKeys: 5 }),
}));
const body = fc.record(
  {
    messages: fc.array(fc.record({ role: fc.constantFrom('user', 'assistant'), content: alike })),
    tools: alike,
    extra: alike,
  },
  { requiredKeys: [] },
);

function onlyThrows(code: readonly string[], act: () => void): void {
  try {
    act();
  } catch (error) {
    assert.ok(isGatewayError(error) && code.includes(error.code), String((error as Error).stack));
  }
}

const some = fc.constantFrom;
const mark = some(null, { type: 'ephemeral' }, { type: 'ephemeral', ttl: '1h' }, { type: 'ephemeral', scope: 'x' });
const source = some<JsonObject>(
  { type: 'base64', media_type: 'image/jpg', data: 'AA' },
  { type: 'url', url: 'http://x' },
  { type: 'file', file_id: 'f' },
  { type: 'content', content: [] },
);
const plainBlock = fc.oneof(
  fc.record(
    { type: some('text'), text: some('', ' ', 'a'), cache_control: mark, x: some(1) },
    { requiredKeys: ['type', 'text'] },
  ),
  fc.record({ type: some('image', 'document'), source, title: some(null) }, { requiredKeys: ['type', 'source'] }),
  some<JsonObject>(
    {
      type: 'text',
      text: 'a',
      citations: [{ type: 'char_location', cited_text: 'x', document_title: null, start: 1 }],
    },
    { type: 'thinking', thinking: 't', signature: '' },
    { type: 'redacted_thinking', data: 'd' },
    { type: 'tool_use', id: 't', name: 'n.m', input: {}, caller: { type: 'direct' } },
    { type: 'new_kind', content: [] },
  ),
);
const result = fc.record(
  {
    type: some('tool_result'),
    tool_use_id: some('t'),
    content: fc.oneof(some('', null), fc.array(plainBlock, { maxLength: 2 })),
    is_error: some(true, false, null),
  },
  { requiredKeys: ['type', 'tool_use_id'] },
);
const message = fc.record({
  role: some('user', 'assistant'),
  content: fc.oneof(some('', 'a'), fc.array(fc.oneof(plainBlock, result), { maxLength: 3 })),
});
const messagesBody = fc.record(
  {
    model: some('m'),
    messages: fc.array(message, { maxLength: 3 }),
    system: some('', 'a', null, [], [{ type: 'text', text: 'x' }]),
    tools: some(
      null,
      [],
      [
        { name: 'a', input_schema: {}, strict: false, type: 'custom' },
        { type: 'bash_1', name: 'b' },
      ],
    ),
    tool_choice: some(
      null,
      { type: 'auto', disable_parallel_tool_use: false },
      { type: 'tool', name: 'q' },
      { type: 'any', x: 1 },
    ),
    thinking: some(
      null,
      { type: 'disabled' },
      { type: 'adaptive', display: 'omitted' },
      { type: 'between_tools' },
      { type: 'enabled', budget_tokens: 5, display: null },
    ),
    output_config: some(
      null,
      {},
      { effort: 'high' },
      { effort: 'new', format: { type: 'json_schema', schema: {} } },
      { format: { type: 'other' } },
    ),
    metadata: some(null, {}, { user_id: null }, { user_id: 'u', y: 1 }),
    service_tier: some(null, 'auto', 'standard_only', 'batch'),
    temperature: some(null, 0, 2),
    stop_sequences: some(null, [], [' ']),
    stream: some(null, true, false),
    mcp_servers: some([]),
  },
  { requiredKeys: ['model', 'messages'], noNullPrototype: true },
);

test('writes any request back as it was read', () => {
  fc.assert(
    fc.property(messagesBody, (read) => {
      const chat = anthropicMessages.chat!;
      const context = { model: 'm', stream: read.stream === true, capabilities: {}, lost: () => {} };
      const written = chat.encodeRequest(chat.decodeRequest(read as unknown as JsonObject), context);
      // Compared as JSON, which has no prototypes.
      assert.deepEqual(JSON.parse(JSON.stringify(written)), JSON.parse(JSON.stringify(read)));
    }),
    { numRuns: 1_000 },
  );
});

test('refuses any malformed request as REQ_INVALID and writes back any that it reads', () => {
  fc.assert(
    fc.property(fc.oneof(body, alike), fc.constantFrom(...dialects), (value, dialect) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
      onlyThrows(['REQ_INVALID'], () => {
        const conversation = dialect.chat!.decodeRequest(value as JsonObject);
        const context = { model: 'claude-sonnet-4-5', stream: false, capabilities: {}, lost: () => {} };
        for (const target of dialects) target.chat!.encodeRequest(conversation, context);
      });
    }),
    { numRuns: 2_000 },
  );
});

test('refuses any malformed answer as UP_BAD_BODY and writes back any that it reads', () => {
  fc.assert(
    fc.property(
      fc.record({ content: alike, output: fc.record({ message: fc.record({ content: alike }) }), usage: alike }),
      fc.constantFrom(...dialects),
      (value, dialect) => {
        onlyThrows(['UP_BAD_BODY'], () => {
          const answer = dialect.chat!.decodeAnswer(value as JsonObject);
          const context = { requestId: 'r', model: 'm', conversation: { model: 'm', messages: [] }, now: 0 };
          for (const target of dialects) target.chat!.encodeAnswer(answer, context);
        });
      },
    ),
    { numRuns: 2_000 },
  );
});

test('survives any stream event that is not as it should be', () => {
  const names = [
    ...[
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
      'error',
    ],
    ...[
      'messageStart',
      'contentBlockStart',
      'contentBlockDelta',
      'contentBlockStop',
      'messageStop',
      'metadata',
      'other',
    ],
  ];
  const inner = fc.record({
    type: fc.constantFrom('text', 'tool_use', 'text_delta', 'input_json_delta', 'thinking_delta', 'other'),
    toolUse: alike,
    text: alike,
  });
  const event = fc.constantFrom(...names).chain((name) =>
    fc
      .record({
        type: fc.constant(name),
        index: fc.nat(2),
        contentBlockIndex: fc.nat(2),
        delta: fc.oneof(inner, alike),
        start: fc.oneof(inner, alike),
        content_block: fc.oneof(inner, alike),
        usage: alike,
        message: alike,
      })
      .map((payload) => ({ name, data: JSON.stringify(payload) })),
  );
  fc.assert(
    fc.property(fc.array(event), fc.constantFrom(...dialects), (events, dialect) => {
      const read = dialect.meter.stream();
      for (const one of events) read(one);
      onlyThrows(['UP_BAD_BODY', 'UP_STREAM_CUT', 'UP_STREAM_ERROR'], () => {
        const decoder = dialect.chat!.decodeStream();
        const encoders = dialects.map((target) =>
          target.chat!.encodeStream({ requestId: 'r', model: 'm', conversation: { model: 'm', messages: [] }, now: 0 }),
        );
        for (const one of events)
          decoder.event(one, (emitted) => {
            for (const encoder of encoders) encoder.event(emitted);
          });
        decoder.end(() => {});
      });
    }),
    { numRuns: 2_000 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Block, Conversation, Message } from '../../plugin-sdk/conversation/index.ts';
import { anthropicMessages } from '../../plugin-sdk/dialects/anthropic-messages/index.ts';
import { isGatewayError } from '../../plugin-sdk/errors.ts';
import type { JsonObject } from '../../plugin-sdk/json.ts';

const chat = anthropicMessages.chat!;
const modern = 'claude-sonnet-4-5';
const newest = 'claude-opus-5-5';

const text = (value: string): Block => ({ type: 'text', text: value });
const user = (...blocks: Block[]): Message => ({ role: 'user', blocks });
const assistant = (...blocks: Block[]): Message => ({ role: 'assistant', blocks });
const call = (id: string, args = '{}'): Block => ({ type: 'tool-call', id, name: 'f', arguments: args });
const result = (callId: string, value = 'done'): Block => ({
  type: 'tool-result',
  callId,
  content: value === '' ? [] : [text(value)],
});
const hi = [user(text('hi'))];
const tool = { type: 'function', name: 'f', parameters: { type: 'object', properties: {} } } as const;
const personSchema = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 5 } },
  required: ['name'],
  additionalProperties: false,
} satisfies JsonObject;

interface Options {
  readonly model?: string;
  readonly stream?: boolean;
  readonly capabilities?: Record<string, unknown>;
}

function encode(fields: Partial<Conversation>, { model = modern, stream = false, capabilities = {} }: Options = {}) {
  const lost: string[] = [];
  const conversation = { model: 'any', messages: hi, ...fields };
  const body = chat.encodeRequest(conversation, { model, stream, capabilities, lost: (path) => lost.push(path) });
  return { body: body as JsonObject & { messages: { role: string; content: JsonObject[] }[] }, lost };
}

function refusal(
  fields: Partial<Conversation>,
  options?: Options,
): { param: string | undefined; retry: string; message: string } {
  try {
    encode(fields, options);
  } catch (error) {
    assert.ok(isGatewayError(error) && error.code === 'REQ_INVALID');
    return { param: error.param, retry: error.retry, message: error.message };
  }
  assert.fail('the request was accepted');
}

test('hoists system and developer messages into text blocks with their cache marks', () => {
  const messages: Message[] = [
    { role: 'system', blocks: [{ type: 'text', text: 'a', cache: { ttl: '30m' } }] },
    { role: 'developer', blocks: [text('b')] },
    ...hi,
  ];
  const { body } = encode({ messages });
  assert.deepEqual(body.system, [
    { type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } },
    { type: 'text', text: 'b' },
  ]);
  assert.equal(body.messages.length, 1);
});

test('keeps a later system message between turns where the model takes it, and hoists it elsewhere', () => {
  const messages: Message[] = [
    user(text('one')),
    assistant(text('two')),
    { role: 'system', blocks: [text('rule')] },
    user(text('three')),
  ];
  assert.deepEqual(
    encode({ messages }, { model: 'claude-opus-4-8' }).body.messages.map(({ role }) => role),
    ['user', 'assistant', 'user', 'system'],
  );
  assert.deepEqual(encode({ messages }).body.system, [{ type: 'text', text: 'rule' }]);
  const behindUser = [
    user(text('one')),
    { role: 'system', blocks: [text('rule')] } as const,
    assistant(text('two')),
    user(text('three')),
  ];
  assert.deepEqual(
    encode({ messages: behindUser }, { model: 'claude-opus-4-8' }).body.messages.map(({ role }) => role),
    ['user', 'system', 'assistant', 'user'],
  );
});

test('puts all tool results of a turn first in one user message', () => {
  const messages = [
    user(text('go')),
    assistant(call('a'), call('b')),
    user(result('b')),
    user(result('a')),
    user(text('and now?')),
  ];
  const { body } = encode({ messages, tools: [tool] });
  assert.deepEqual(
    body.messages.map(({ role, content }) => [role, content.map(({ type }) => type)]),
    [
      ['user', ['text']],
      ['assistant', ['tool_use', 'tool_use']],
      ['user', ['tool_result', 'tool_result', 'text']],
    ],
  );
});

test('drops empty and blank text, and messages left without content', () => {
  const { body } = encode({ messages: [user(text('  ')), user(text(''), text('x')), assistant(text(''), call('a'))] });
  assert.deepEqual(
    body.messages.map(({ content }) => content.map(({ type }) => type)),
    [['text'], ['tool_use']],
  );
});

test('treats image/jpg as image/jpeg and lets the first bytes win over a wrong declaration', () => {
  const png = Buffer.from('\x89PNG\r\n\x1a\n0000000000000000', 'latin1').toString('base64');
  const image = (mediaType: string, data: string): Block => ({
    type: 'image',
    source: { kind: 'base64', mediaType, data },
  });
  const { body } = encode({ messages: [user(image('image/jpg', 'AAAA'), image('image/jpeg', png))] });
  assert.deepEqual(
    body.messages[0]!.content.map(({ source }) => (source as JsonObject).media_type),
    ['image/jpeg', 'image/png'],
  );
  assert.equal(
    refusal({ messages: [user(text('x'), image('image/svg+xml', 'AAAA'))] }).param,
    'messages[0].content[1]',
  );
});

test('takes https image URLs and refuses http ones by their path', () => {
  const image = (url: string): Block => ({ type: 'image', source: { kind: 'url', url } });
  assert.deepEqual(encode({ messages: [user(image('https://a/b.png'))] }).body.messages[0]!.content[0]!.source, {
    type: 'url',
    url: 'https://a/b.png',
  });
  assert.deepEqual(refusal({ messages: [user(image('http://a/b.png'))] }), {
    param: 'messages[0].content[0]',
    retry: 'next-target',
    message: 'messages[0].content[0]: only https URLs are taken.',
  });
});

test('sends PDFs as documents, text files as text, and refuses other files and files of other providers', () => {
  const file = (mediaType: string, data: string, name?: string): Block => ({
    type: 'file',
    source: { kind: 'base64', mediaType, data },
    ...(name ? { name } : {}),
  });
  const { body } = encode({
    messages: [
      user(file('application/pdf', 'JVBERi0x', 'a.pdf'), file('text/csv', Buffer.from('a,b').toString('base64'))),
    ],
  });
  assert.deepEqual(body.messages[0]!.content, [
    { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0x' }, title: 'a.pdf' },
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'a,b' } },
  ]);
  assert.match(refusal({ messages: [user(file('application/zip', 'AAAA'))] }).message, /PDF or text/);
  assert.match(
    refusal({ messages: [user({ type: 'file', source: { kind: 'file', id: 'file-abc' } })] }).message,
    /not a file of this provider/,
  );
});

test('refuses audio and video by path instead of dropping them', () => {
  const audio: Block = { type: 'audio', source: { kind: 'base64', mediaType: 'audio/wav', data: 'AAAA' } };
  assert.equal(refusal({ messages: [user(text('a'), audio)] }).param, 'messages[0].content[1]');
});

test('counts tool messages as the client does when it names a path', () => {
  const messages = [
    user(text('go')),
    assistant(call('a'), call('b')),
    user(result('a'), result('b')),
    assistant(call('c', '{"x')),
  ];
  assert.equal(refusal({ messages, tools: [tool] }).param, 'messages[4].tool_calls[0].function.arguments');
});

test('sends empty arguments as {} and wraps JSON that is no object', () => {
  const { body } = encode({ messages: [...hi, assistant(call('a', ''), call('b', '[1]'))] });
  assert.deepEqual(
    body.messages[1]!.content.map(({ input }) => input),
    [{}, { value: [1] }],
  );
});

test('answers an unparsable call with its own name for the field', () => {
  const found = refusal({ messages: [...hi, assistant(text('x'), call('a'), call('b', '{"x'))] });
  assert.deepEqual(found, {
    param: 'messages[1].tool_calls[1].function.arguments',
    retry: 'never',
    message: 'messages[1].tool_calls[1].function.arguments must be valid JSON.',
  });
});

test('gives a tool without parameters an empty object schema', () => {
  const { body } = encode({ tools: [{ type: 'function', name: 'f' }] });
  assert.deepEqual(body.tools, [{ name: 'f', input_schema: { type: 'object', properties: {} } }]);
});

test('brings tool names and call ids into the allowed characters and gives the client its own back', () => {
  const conversation: Conversation = {
    model: 'm',
    messages: [
      ...hi,
      assistant({ type: 'tool-call', id: 'id:1/ü', name: 'my.tool v2', arguments: '{}' }),
      user(result('id:1/ü')),
    ],
    tools: [{ type: 'function', name: 'my.tool v2' }],
    toolChoice: { type: 'tool', name: 'my.tool v2' },
  };
  const { body } = encode(conversation);
  const wire = (body.tools as JsonObject[])[0]!.name as string;
  assert.match(wire, /^[a-zA-Z0-9_-]+$/);
  assert.equal((body.tool_choice as JsonObject).name, wire);
  const [use] = body.messages[1]!.content;
  assert.match(String(use!.id), /^[a-zA-Z0-9_-]+$/);
  assert.equal(body.messages[2]!.content[0]!.tool_use_id, use!.id);
  const reply = { content: [{ type: 'tool_use', id: 't', name: wire, input: {} }], stop_reason: 'tool_use' };
  const [block] = chat.decodeAnswer(reply, conversation).choices[0]!.blocks;
  assert.equal(block!.type === 'tool-call' && block.name, 'my.tool v2');
});

test('sends a free-text tool as a function with one string', () => {
  const conversation: Conversation = { model: 'm', messages: hi, tools: [{ type: 'custom', name: 'sql' }] };
  const [wire] = encode(conversation).body.tools as JsonObject[];
  assert.deepEqual((wire!.input_schema as JsonObject).required, ['input']);
  const reply = {
    content: [{ type: 'tool_use', id: 't', name: 'sql', input: { input: 'select 1' } }],
    stop_reason: 'tool_use',
  };
  assert.deepEqual(chat.decodeAnswer(reply, conversation).choices[0]!.blocks, [
    { type: 'tool-call', id: 't', name: 'sql', kind: 'custom', arguments: 'select 1' },
  ]);
});

test('leaves out tool_choice without tools, and keeps the tools under tool_choice none', () => {
  assert.equal('tool_choice' in encode({ toolChoice: { type: 'auto' }, tools: [] }).body, false);
  const { body } = encode({ toolChoice: { type: 'none' }, tools: [tool] });
  assert.deepEqual([body.tool_choice, (body.tools as unknown[]).length], [{ type: 'none' }, 1]);
});

test('turns a forced tool choice into auto where the model or its thinking refuses one, and says so', () => {
  const forced: Partial<Conversation> = { tools: [tool], toolChoice: { type: 'required' } };
  assert.deepEqual(encode(forced).body.tool_choice, { type: 'any' });
  for (const { body, lost } of [
    encode(forced, { model: newest }),
    encode({ ...forced, reasoning: { effort: 'high' } }),
  ]) {
    assert.deepEqual([body.tool_choice, lost], [{ type: 'auto' }, ['tool_choice']]);
  }
});

test('filters the tools for allowed_tools', () => {
  const { body } = encode({
    tools: [tool, { ...tool, name: 'g' }],
    toolChoice: { type: 'allowed', mode: 'required', names: ['g'] },
  });
  assert.deepEqual([(body.tools as JsonObject[]).map(({ name }) => name), body.tool_choice], [['g'], { type: 'any' }]);
});

test('forbids parallel calls through a tool choice, and only where there are tools', () => {
  assert.deepEqual(encode({ tools: [tool], parallelToolCalls: false }).body.tool_choice, {
    type: 'auto',
    disable_parallel_tool_use: true,
  });
  assert.equal('tool_choice' in encode({ parallelToolCalls: false }).body, false);
});

test('supplies max_tokens from the model, less without a stream', () => {
  assert.equal(encode({}, { stream: true }).body.max_tokens, 64_000);
  assert.equal(encode({}).body.max_tokens, 21_333);
  assert.equal(encode({}, { model: 'claude-3-haiku-20240307' }).body.max_tokens, 4_096);
});

test('keeps the thinking budget under max_tokens and adds it to the answer limit', () => {
  const medium = encode({ maxOutputTokens: 1_000, reasoning: { effort: 'medium' } }).body;
  assert.deepEqual([medium.max_tokens, medium.thinking], [9_192, { type: 'enabled', budget_tokens: 8_192 }]);
  const capped = encode({ maxOutputTokens: 64_000, reasoning: { budgetTokens: 70_000 } }).body;
  assert.deepEqual([capped.max_tokens, capped.thinking], [64_000, { type: 'enabled', budget_tokens: 63_999 }]);
});

test('asks adaptive models by effort and takes the nearest level that exists', () => {
  const effort = (level: 'minimal' | 'xhigh' | 'max', model: string) =>
    (encode({ reasoning: { effort: level } }, { model }).body.output_config as JsonObject).effort;
  assert.equal(effort('minimal', newest), 'low');
  assert.equal(effort('xhigh', 'claude-opus-4-6'), 'high');
  assert.equal(effort('max', 'claude-opus-4-6'), 'max');
  assert.deepEqual(encode({ reasoning: { budgetTokens: 5_000 } }, { model: newest }).body.thinking, {
    type: 'adaptive',
  });
});

test('switches thinking off where that is possible and reports where it is not', () => {
  const none = { reasoning: { effort: 'none' } } as const;
  assert.equal('thinking' in encode(none).body, false);
  assert.deepEqual(encode(none, { model: 'claude-opus-4-7' }).body.thinking, { type: 'disabled' });
  assert.deepEqual(encode(none, { model: 'claude-sonnet-5-5' }).body.thinking, { type: 'between_tools' });
  const always = encode(none, { model: newest });
  assert.deepEqual(['thinking' in always.body, always.lost], [false, ['reasoning_effort']]);
  assert.deepEqual(encode({ reasoning: { effort: 'high' } }, { model: 'claude-3-haiku' }).lost, ['reasoning_effort']);
});

test('clamps temperature, omits it where it is refused, and reports both', () => {
  const hot = encode({ sampling: { temperature: 1.7 } });
  assert.deepEqual([hot.body.temperature, hot.lost], [1, ['temperature']]);
  const refused = encode({ sampling: { temperature: 0.2, topP: 0.5, topK: 3 } }, { model: newest });
  assert.deepEqual(refused.lost, ['temperature', 'top_p', 'top_k']);
  assert.deepEqual(encode({ sampling: { temperature: 1 } }, { model: newest }).lost, []);
  const pair = encode({ sampling: { temperature: 0.2, topP: 0.5 } });
  assert.deepEqual(['top_p' in pair.body, pair.lost], [false, ['top_p']]);
  const older = encode({ sampling: { temperature: 0.2, topP: 0.5 } }, { model: 'claude-sonnet-4-20250514' });
  assert.deepEqual([older.body.top_p, older.lost], [0.5, []]);
  assert.deepEqual(encode({ sampling: { temperature: 0.2 }, reasoning: { effort: 'low' } }).lost, ['temperature']);
});

test('uses native structured output with a schema brought to what it knows', () => {
  const { body } = encode({ output: { type: 'schema', schema: personSchema, strict: true } });
  assert.deepEqual(body.output_config, {
    format: {
      type: 'json_schema',
      schema: {
        type: 'object',
        properties: { name: { type: 'string', description: '{maxLength: 5}' } },
        required: ['name'],
        additionalProperties: false,
      },
    },
  });
});

test('does not use native structured output for open maps, recursion or many optional properties', () => {
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`p${n}`, { type: 'string' }]));
  const node = { type: 'object', properties: { next: { $ref: '#/$defs/node' } }, required: ['next'] };
  const schemas: JsonObject[] = [
    { type: 'object', additionalProperties: { type: 'string' } },
    { type: 'object', properties: { node: { $ref: '#/$defs/node' } }, required: ['node'], $defs: { node } },
    { type: 'object', properties: many },
  ];
  for (const schema of schemas) {
    const { body } = encode({ output: { type: 'schema', schema } });
    assert.equal('output_config' in body, false);
    assert.deepEqual(body.tool_choice, { type: 'tool', name: 'bf_json_answer', disable_parallel_tool_use: true });
  }
});

test('answers a schema through a forced tool on models without structured output', () => {
  const output = { type: 'schema', schema: personSchema } as const;
  const { body } = encode({ output, tools: [tool] }, { model: 'claude-sonnet-4-20250514' });
  assert.deepEqual(body.tool_choice, { type: 'any', disable_parallel_tool_use: true });
  assert.deepEqual((body.tools as JsonObject[])[1]!.input_schema, personSchema);
  const thinking = encode({ output, reasoning: { effort: 'low' } }, { model: 'claude-sonnet-4-20250514' });
  assert.deepEqual(
    [thinking.body.tool_choice, thinking.lost],
    [{ type: 'auto', disable_parallel_tool_use: true }, ['response_format']],
  );
});

test('asks for a JSON object in the system text', () => {
  const { body, lost } = encode({ output: { type: 'json' } });
  assert.match(String((body.system as JsonObject[])[0]!.text), /JSON object/);
  assert.deepEqual(lost, []);
});

test('sends strict only for schemas that structured outputs take', () => {
  const strict = { ...tool, parameters: personSchema, strict: true };
  assert.equal((encode({ tools: [strict] }).body.tools as JsonObject[])[0]!.strict, true);
  const open = encode({ tools: [{ ...strict, parameters: { type: 'object', additionalProperties: true } }] });
  assert.deepEqual(
    [(open.body.tools as JsonObject[])[0]!.strict, open.lost],
    [undefined, ['tools[0].function.strict']],
  );
});

test('drops blank stop sequences', () => {
  const { body, lost } = encode({ stop: ['\n', 'END'] });
  assert.deepEqual([body.stop_sequences, lost], [['END'], ['stop']]);
});

test('keeps the last four cache marks', () => {
  const marked = Array.from({ length: 6 }, (_, n): Block => ({ type: 'text', text: `t${n}`, cache: {} }));
  const { body, lost } = encode({ messages: [user(...marked)] });
  assert.deepEqual(
    body.messages[0]!.content.map((block) => 'cache_control' in block),
    [false, false, true, true, true, true],
  );
  assert.deepEqual(lost, ['cache_control']);
});

test('sends Claude its own thinking back and never the proofs of another maker', () => {
  const own: Block = { type: 'reasoning', text: 'hm', signature: 'sig', maker: 'anthropic' };
  const redacted: Block = { type: 'reasoning', encrypted: 'data', maker: 'anthropic' };
  const foreign: Block = { type: 'reasoning', text: 'hm', encrypted: 'blob', maker: 'openai' };
  const loop = [...hi, assistant(own, redacted, foreign, call('a')), user(result('a'))];
  const { body, lost } = encode({ messages: loop, tools: [tool] });
  assert.deepEqual(body.messages[1]!.content.slice(0, -1), [
    { type: 'thinking', thinking: 'hm', signature: 'sig' },
    { type: 'redacted_thinking', data: 'data' },
  ]);
  assert.deepEqual(lost, ['messages[1].content[2]']);
  assert.deepEqual(encode({ messages: [...hi, assistant(foreign, text('done')), user(text('next'))] }).lost, []);
});

test('does not think on a budget inside a tool loop whose thinking was lost', () => {
  const { body, lost } = encode({
    messages: [...hi, assistant(call('a')), user(result('a'))],
    tools: [tool],
    reasoning: { effort: 'high' },
  });
  assert.deepEqual(['thinking' in body, lost], [false, ['reasoning_effort']]);
});

test('continues a trailing assistant message on old models and asks anew on models without prefill', () => {
  const messages = [...hi, assistant(text('It is '))];
  assert.equal(encode({ messages }).body.messages.at(-1)!.content[0]!.text, 'It is');
  const { body, lost } = encode({ messages }, { model: newest });
  assert.deepEqual([body.messages.at(-1)!.role, lost], ['user', ['messages[1]']]);
});

test('refuses several choices and continued responses, and reports what has no counterpart', () => {
  assert.equal(refusal({ choices: 2 }).param, 'n');
  assert.equal(refusal({ previousId: 'resp_1' }).param, 'previous_response_id');
  const { lost } = encode({
    sampling: { seed: 1, frequencyPenalty: 0.5, presencePenalty: 0, logitBias: { 1: 2 } },
    logprobs: { top: 2 },
    store: true,
    verbosity: 'low',
    metadata: { a: 'b' },
    carry: { 'openai.chat': { prediction: { type: 'content' }, $limit: 'max_tokens' } },
    messages: [{ ...user(text('hi')), name: 'ann' }],
  });
  assert.deepEqual(lost.sort(), [
    ...[
      'frequency_penalty',
      'logit_bias',
      'logprobs',
      'messages[0].name',
      'metadata',
      'prediction',
      'seed',
      'store',
      'verbosity',
    ],
  ]);
});

test('maps the end user and service tiers, and drops tiers that Anthropic lacks', () => {
  assert.deepEqual(encode({ endUser: 'u1' }).body.metadata, { user_id: 'u1' });
  assert.equal(encode({ serviceTier: 'default' }).body.service_tier, 'standard_only');
  assert.equal(encode({ serviceTier: 'priority' }).body.service_tier, 'auto');
  assert.deepEqual(encode({ serviceTier: 'flex' }).lost, ['service_tier']);
});

test('lets an operator replace single capabilities of a model', () => {
  const { body } = encode(
    { sampling: { temperature: 0.2 } },
    { model: newest, capabilities: { sampling: true, maxOutput: 1_000 } },
  );
  assert.deepEqual([body.temperature, body.max_tokens], [0.2, 1_000]);
});

test('gives the same body for the same conversation again', () => {
  const conversation = {
    tools: [tool],
    output: { type: 'schema', schema: personSchema },
    messages: [user({ type: 'text', text: 'x', cache: {} })],
  } as const;
  assert.deepEqual(encode(conversation).body, encode(conversation).body);
});

test('names the field of a body that is not this format', () => {
  const paramOf = (body: JsonObject): string | undefined => {
    try {
      chat.decodeRequest(body);
      return undefined;
    } catch (error) {
      return isGatewayError(error) && error.code === 'REQ_INVALID' ? error.param : 'other';
    }
  };
  assert.equal(paramOf({}), 'messages');
  assert.equal(paramOf({ messages: [{ role: 'tool', content: '' }] }), 'messages[0].role');
  assert.equal(paramOf({ messages: [{ role: 'user', content: [{ type: 'text' }] }] }), 'messages[0].content[0].text');
  assert.equal(paramOf({ messages: [], max_tokens: 'many' }), 'max_tokens');
});

test('brings proofs of other makers back out of the thinking that a client returns', () => {
  const answer = {
    choices: [
      {
        index: 0,
        blocks: [
          { type: 'reasoning', summary: ['s'], encrypted: 'blob', id: 'rs_1', maker: 'openai' },
          { type: 'tool-call', id: 'c1', name: 'f', arguments: '{}', signature: 'google-sig', maker: 'google' },
        ] satisfies Block[],
      },
    ],
  };
  const written = chat.encodeAnswer(answer, {
    requestId: 'r',
    model: 'm',
    now: 0,
    conversation: { model: 'm', messages: [] },
  });
  const { messages } = chat.decodeRequest({ messages: [{ role: 'assistant', content: written.content! }] });
  assert.deepEqual(messages[0]!.blocks, [
    { type: 'reasoning', maker: 'openai', id: 'rs_1', encrypted: 'blob', summary: ['s'] },
    { type: 'tool-call', id: 'c1', name: 'f', arguments: '{}', signature: 'google-sig', maker: 'google' },
  ]);
});

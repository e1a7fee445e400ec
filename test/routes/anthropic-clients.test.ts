import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';
import { chunks, completion, lastChunks } from './native-gateway.ts';

const names = ['openai', 'gemini', 'bedrock', 'vllm', 'ollama'] as const;
let upstreams: Readonly<Record<(typeof names)[number], Upstream>>;
let gateway: RunningGateway;
let client: Anthropic;

before(async () => {
  const started = await Promise.all(names.map(async (name) => [name, await startUpstream()] as const));
  upstreams = Object.fromEntries(started) as typeof upstreams;
  const providers = started.map(([name, upstream]) => [`providers/${name}`, upstream.provider()]);
  gateway = await startGateway({ plugins: { 'routes/anthropic': {}, ...Object.fromEntries(providers) } });
  client = new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: 'dummy-key', maxRetries: 0, timeout: 60_000 });
});

after(async () => {
  await gateway?.close();
  await Promise.all(Object.values(upstreams ?? {}).map((upstream) => upstream.close()));
});

const hello = { max_tokens: 64, messages: [{ role: 'user' as const, content: 'Hello!' }] };
const generated = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'ok' }] }, finishReason: 'STOP' }],
  usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 },
};
const conversed = {
  output: { message: { role: 'assistant', content: [{ text: 'ok' }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 9, outputTokens: 4, totalTokens: 13 },
};

/** What Claude Code asks, shortened. */
const agentic = {
  ...hello,
  system: [
    { type: 'text' as const, text: 'You are a tool.' },
    { type: 'text' as const, text: 'Be brief.' },
  ],
  tools: [
    {
      name: 'mcp__files.read',
      input_schema: { type: 'object' as const },
      cache_control: { type: 'ephemeral' as const },
    },
  ],
  tool_choice: { type: 'any' as const, disable_parallel_tool_use: true },
  metadata: { user_id: '{"device_id":"d"}' },
  thinking: { type: 'adaptive' as const },
  output_config: { effort: 'xhigh' as const },
  stop_sequences: ['1', '2', '3', '4', '5'],
};

test('what is lost is named as clients of this format write it', async () => {
  const { openai, gemini, bedrock } = upstreams;
  openai.reply({ json: completion('ok') });
  gemini.reply({ json: generated });
  bedrock.reply({ json: conversed });
  const lossyOf = async (model: string): Promise<string | null> =>
    (await client.messages.create({ ...agentic, model }).withResponse()).response.headers.get('x-bf-lossy');
  assert.equal(await lossyOf('openai/gpt-4o'), 'tools[0].cache_control, stop_sequences, output_config.effort');
  assert.equal(
    await lossyOf('gemini/gemini-2.5-flash'),
    'tools[0].cache_control, metadata.user_id, tool_choice.disable_parallel_tool_use',
  );
  assert.equal(
    await lossyOf('bedrock/us.amazon.nova-pro-v1:0'),
    'metadata.user_id, output_config.effort, tool_choice.disable_parallel_tool_use',
  );
  const strict = client.messages.create({ ...agentic, model: 'openai/gpt-4o' }, { headers: { 'x-bf-strict': 'true' } });
  await assert.rejects(strict, /cannot carry: tools\[0\]\.cache_control, stop_sequences, output_config\.effort/);
});

test('a fault of a message is named by its place in the list that the client sent', async () => {
  const image = { type: 'image' as const, source: { type: 'file' as const, file_id: 'file_1' } };
  const calls = ['a', 'b'].map((id) => ({ type: 'tool_use' as const, id, name: 'find', input: {} }));
  const result = { type: 'tool_result' as const, tool_use_id: 'a', content: 'found' };
  const wrong = { ...result, tool_use_id: 'b', content: [image] };
  const messages = [
    ...hello.messages,
    { role: 'assistant', content: calls },
    { role: 'user', content: [result, wrong] },
  ];
  const asked = { ...hello, model: 'bedrock/us.amazon.nova-pro-v1:0', system: 'Be brief.', messages };
  await assert.rejects(
    client.beta.messages.create(asked as never),
    /messages\[2\]\.content\[1\]: stored files are not taken/,
  );
});

test('a document at a URL is fetched for a model that is called by chat, which reads none, and never left out', async () => {
  const { openai } = upstreams;
  const before = openai.requests.length;
  const document = { type: 'document' as const, source: { type: 'url' as const, url: `${openai.url}/report.pdf` } };
  const content = [document, { type: 'text' as const, text: 'Sum it up.' }];
  const asked = client.messages.create({ ...hello, model: 'openai/gpt-4o', messages: [{ role: 'user', content }] });
  // That it may not be fetched from here says that it was to be.
  await assert.rejects(asked, /it is an internal address/);
  assert.equal(openai.requests.length, before);
});

test('a model of OpenAI is held to the schema of messages.parse', async () => {
  const { openai } = upstreams;
  openai.reply({ json: completion('{"city":"Graz"}') });
  const format = zodOutputFormat(z.object({ city: z.string() }));
  const answer = await client.messages.parse({ ...hello, model: 'openai/gpt-4o', output_config: { format } });
  assert.deepEqual(answer.parsed_output, { city: 'Graz' });
  const { response_format: asked } = openai.requests.at(-1)!.json as { response_format: { json_schema: object } };
  assert.equal((asked.json_schema as { strict?: boolean }).strict, true);
});

test('Ollama is asked for an effort that it has', async () => {
  const { ollama } = upstreams;
  const effortFor = async (effort: 'xhigh' | 'max' | 'low'): Promise<unknown> => {
    ollama.reply({ json: completion('ok') });
    await client.messages.create({ ...hello, model: 'ollama/gpt-oss', output_config: { effort } });
    return (ollama.requests.at(-1)!.json as { reasoning_effort?: string }).reasoning_effort;
  };
  assert.deepEqual([await effortFor('xhigh'), await effortFor('max'), await effortFor('low')], ['high', 'high', 'low']);
});

test('vLLM goes on with a last turn of the assistant', async () => {
  const { vllm } = upstreams;
  vllm.reply({ json: completion('"a":1}') });
  const messages = [...hello.messages, { role: 'assistant' as const, content: '{' }];
  const call = client.messages.create({ ...hello, model: 'vllm/qwen', messages });
  assert.equal((await call.withResponse()).response.headers.get('x-bf-lossy'), null);
  const sent = vllm.requests.at(-1)!.json as Record<string, unknown>;
  assert.deepEqual([sent['continue_final_message'], sent['add_generation_prompt']], [true, false]);
});

test('runs a streaming tool runner whose model calls twice at once, once without arguments', async () => {
  const { vllm } = upstreams;
  const delta = (fragment: object, index: number): object => ({
    ...chunks('')[0],
    choices: [{ index: 0, delta: { tool_calls: [{ index, ...fragment }] }, finish_reason: null }],
  });
  vllm.reply(
    {
      events: [
        ...chunks('Let me see.'),
        delta({ id: 'c1', type: 'function', function: { name: 'weather', arguments: '' } }, 0),
        delta({ id: 'c2', type: 'function', function: { name: 'clock', arguments: 'null' } }, 1),
        delta({ function: { arguments: '{"city":' } }, 0),
        delta({ function: { arguments: '"Graz"}' } }, 0),
        ...lastChunks,
      ],
    },
    { events: [...chunks('Sunny at noon.'), ...lastChunks] },
  );
  const asked: unknown[] = [];
  const tool = (name: string, answer: string) =>
    betaTool({
      name,
      description: name,
      inputSchema: { type: 'object', properties: { city: { type: 'string' } } },
      run(input) {
        asked.push([name, input]);
        return answer;
      },
    });
  const tools = [tool('weather', 'sunny'), tool('clock', 'noon')];
  const runner = client.beta.messages.toolRunner({ ...hello, model: 'vllm/qwen', tools, stream: true });
  const kinds: string[][] = [];
  for await (const stream of runner) kinds.push((await stream.finalMessage()).content.map(({ type }) => type));
  assert.deepEqual(kinds, [['text', 'tool_use', 'tool_use'], ['text']]);
  assert.deepEqual(asked, [
    ['weather', { city: 'Graz' }],
    ['clock', {}],
  ]);
  const { messages } = vllm.requests.at(-1)!.json as { messages: object[] };
  assert.deepEqual(messages.slice(2), [
    { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
    { role: 'tool', tool_call_id: 'c2', content: 'noon' },
  ]);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { writeAwsEvent } from '../../plugin-sdk/dialects/write-aws-event.ts';
import { isObject, type JsonObject } from '../../plugin-sdk/index.ts';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';
import { recordings, recordingsMissing } from '../recordings.ts';
import { rawCall } from '../routes/passthrough-gateway.ts';

let gateway: RunningGateway;
let upstream: Upstream;

before(async () => {
  upstream = await startUpstream();
  const vertexKey = { name: 'main', value: 'ya29.upstream', project: 'our-project', region: 'europe-west4' };
  gateway = await startGateway({
    plugins: {
      'routes/anthropic': {},
      'providers/vertex': upstream.provider({
        keys: [vertexKey],
        betas: { 'future-2027-01-01': 'future-on-vertex', 'web-search-2025-03-05': false },
      }),
      'providers/bedrock': upstream.provider({ keys: [{ name: 'main', value: 'bedrock-api-key' }] }),
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-6',
  content: [{ type: 'text', text: 'Hello' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 2 },
};

/** A request as agents send it to Anthropic: with all of its features. */
const agent = {
  max_tokens: 100,
  speed: 'fast',
  system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', scope: 'global', ttl: '1h' } }],
  context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] },
  tools: [
    {
      name: 'weather',
      input_schema: { type: 'object', properties: { scope: { type: 'string' }, speed: { type: 'number' } } },
      eager_input_streaming: true,
      defer_loading: true,
    },
  ],
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral', scope: 'global' } }] },
  ],
};
const betas = [
  'claude-code-20250219',
  'context-management-2025-06-27',
  'advanced-tool-use-2025-11-20',
  'prompt-caching-scope-2026-01-05',
  'fast-mode-2026-02-01',
  'web-search-2025-03-05',
  'future-2027-01-01',
];
const fitted = {
  max_tokens: 100,
  system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
  context_management: agent.context_management,
  tools: [{ name: 'weather', input_schema: agent.tools[0]!.input_schema, defer_loading: true }],
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral' } }] }],
};
const lost = [
  'anthropic-beta: prompt-caching-scope-2026-01-05',
  'anthropic-beta: fast-mode-2026-02-01',
  'anthropic-beta: web-search-2025-03-05',
  'cache_control.scope',
  'eager_input_streaming',
  'speed',
];

async function ask(model: string, body: object, headers: Record<string, string> = {}) {
  const client = new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: 'dummy-key', maxRetries: 0 });
  return client.messages
    .create({ ...body, model } as Anthropic.MessageCreateParamsNonStreaming, { headers })
    .withResponse();
}

test('Claude on Vertex is asked for the beta features that it has, in its words, and for nothing of the others', async () => {
  upstream.reply({ json: message });
  const { response } = await ask('vertex/claude-sonnet-4-6', agent, { 'anthropic-beta': betas.join(',') });
  const { headers, json } = upstream.requests.at(-1)!;
  assert.equal(headers['anthropic-beta'], 'context-management-2025-06-27,tool-search-tool-2025-10-19,future-on-vertex');
  assert.deepEqual(json, { ...fitted, anthropic_version: 'vertex-2023-10-16' });
  assert.deepEqual(response.headers.get('x-bf-lossy')?.split(', ').sort(), [...lost].sort());
});

test('a count is asked for the same way', async () => {
  upstream.reply({ json: { input_tokens: 7 } });
  const client = new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: 'dummy-key', maxRetries: 0 });
  const { max_tokens: _, speed: __, ...counted } = agent;
  const body = { ...counted, model: 'vertex/claude-sonnet-4-6' } as unknown as Anthropic.MessageCountTokensParams;
  const { input_tokens } = await client.messages.countTokens(body, { headers: { 'anthropic-beta': betas.join(',') } });
  assert.equal(input_tokens, 7);
  const { headers, json } = upstream.requests.at(-1)!;
  assert.equal(headers['anthropic-beta'], 'context-management-2025-06-27,tool-search-tool-2025-10-19,future-on-vertex');
  const { max_tokens: ___, ...rest } = fitted;
  assert.deepEqual(json, { ...rest, model: 'claude-sonnet-4-6', anthropic_version: 'vertex-2023-10-16' });
});

test('a call without them goes out as it came', async () => {
  upstream.reply({ json: message });
  const plain = { max_tokens: 5, messages: [{ role: 'user', content: 'What is the "scope" of "speed"?' }] };
  const { response } = await ask('vertex/claude-sonnet-4-6', plain);
  const { headers, json } = upstream.requests.at(-1)!;
  assert.equal(headers['anthropic-beta'], undefined);
  assert.deepEqual(json, { ...plain, anthropic_version: 'vertex-2023-10-16' });
  assert.equal(response.headers.get('x-bf-lossy'), null);
});

test('who must have all of it is refused', async () => {
  const headers = { 'anthropic-beta': betas.join(','), 'x-bf-strict': 'true' };
  await assert.rejects(ask('vertex/claude-sonnet-4-6', agent, headers), /fast-mode-2026-02-01/);
});

const onBedrock = 'bedrock/eu.anthropic.claude-sonnet-4-6';
const path = '/model/eu.anthropic.claude-sonnet-4-6';
const frameHeaders = { 'content-type': 'application/vnd.amazon.eventstream' };
const asking = { 'anthropic-beta': 'claude-code-20250219,context-management-2025-06-27,advanced-tool-use-2025-11-20' };

test("Claude on Bedrock is asked for beta features in Anthropic's own format", async () => {
  const context_management = { applied_edits: [{ type: 'clear_tool_uses_20250919', cleared_tool_uses: 2 }] };
  upstream.reply({ json: { ...message, context_management } });
  const { data, response } = await ask(onBedrock, { ...agent, service_tier: 'auto' }, asking);
  const { url, json, headers } = upstream.requests.at(-1)!;
  assert.equal(url, `${path}/invoke`);
  assert.deepEqual([headers['authorization'], headers['anthropic-beta']], ['Bearer bedrock-api-key', undefined]);
  const tools = [
    { name: 'weather', input_schema: agent.tools[0]!.input_schema, defer_loading: true, eager_input_streaming: true },
  ];
  assert.deepEqual(json, {
    ...fitted,
    tools,
    anthropic_version: 'bedrock-2023-05-31',
    anthropic_beta: ['context-management-2025-06-27', 'tool-search-tool-2025-10-19'],
  });
  assert.deepEqual(data, { ...message, context_management });
  assert.deepEqual(response.headers.get('x-bf-lossy')?.split(', ').sort(), [
    'cache_control.scope',
    'service_tier',
    'speed',
  ]);
});

test('and streams its events out of the frames of AWS', async () => {
  const usage = { input_tokens: 3, output_tokens: 1 };
  const events = [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null, usage } },
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'proof' } },
    { type: 'content_block_stop', index: 0 },
    {
      type: 'content_block_start',
      index: 1,
      content_block: { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} },
    },
    { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"scope":"Bern"}' } },
    { type: 'content_block_stop', index: 1 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: 'message_stop', 'amazon-bedrock-invocationMetrics': { inputTokenCount: 3, outputTokenCount: 9 } },
  ];
  const frames = events.map(chunkOf);
  upstream.reply({ headers: frameHeaders, chunks: frames });
  const final = await stream().finalMessage();
  assert.equal(upstream.requests.at(-1)!.url, `${path}/invoke-with-response-stream`);
  assert.equal((upstream.requests.at(-1)!.json as { stream?: boolean }).stream, undefined);
  assert.deepEqual(final.content, [
    { type: 'thinking', thinking: 'Hm.', signature: 'proof' },
    { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { scope: 'Bern' } },
  ]);
  assert.deepEqual([final.stop_reason, final.usage.input_tokens, final.usage.output_tokens], ['tool_use', 3, 9]);

  const exception: Buffer = writeAwsEvent('modelStreamErrorException', '{"message":"The model failed"}', 'exception');
  upstream.reply({
    headers: frameHeaders,
    chunks: [...frames.slice(0, 3), exception],
  });
  await assert.rejects(stream().finalMessage(), /api_error.*The model failed/s);

  upstream.reply({ headers: frameHeaders, chunks: frames.slice(0, 5) });
  await assert.rejects(stream().finalMessage(), /api_error/);
});

test('without beta features it is asked by Converse', async () => {
  upstream.reply({
    json: {
      output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
    },
  });
  const plain = { max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] };
  await ask(onBedrock, plain, { 'anthropic-beta': 'claude-code-20250219' });
  assert.equal(upstream.requests.at(-1)!.url, `${path}/converse`);
});

test('says on Bedrock what was recorded with Anthropic, both ways', { skip: recordingsMissing }, async (t) => {
  // URLs are fetched for Bedrock, which no test may do.
  const calls = recordings('anthropic')
    .flatMap(({ interactions }) => interactions)
    .filter(({ request, response }) => /\/v1\/messages(\?|$)/.test(request.url) && response.status === 200)
    .filter(({ request }) => isObject(request.body) && !JSON.stringify(request.body).includes('"type":"url"'));
  let streams = 0;
  for (const { request, response } of calls) {
    const { model, stream: streaming, ...said } = request.body as JsonObject;
    const events = (response.bodyText ?? '').split('\n\n').flatMap((event) => /^data: (.*)$/m.exec(event)?.[1] ?? []);
    if (streaming === true) {
      streams += 1;
      upstream.always({ headers: frameHeaders, chunks: events.map((event) => chunkOf(JSON.parse(event) as object)) });
    } else upstream.always({ json: response.body as JsonObject });
    const { body } = await rawCall(gateway, '/anthropic/v1/messages', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...asking },
      body: JSON.stringify({ ...said, stream: streaming === true, model: `bedrock/eu.anthropic.${String(model)}` }),
    });
    const { anthropic_version: _, anthropic_beta: __, ...sent } = upstream.requests.at(-1)!.json as JsonObject;
    const { mcp_servers: ___, container: ____, ...kept } = said;
    assert.deepEqual(sent, kept);
    if (streaming !== true) assert.deepEqual(JSON.parse(body.toString()), response.body);
    else assert.match(body.toString(), /event: message_stop/);
  }
  t.diagnostic(`${calls.length} calls, ${streams} of them streams`);
});

function stream() {
  const client = new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: 'dummy-key', maxRetries: 0 });
  const body = { ...agent, model: onBedrock } as unknown as Anthropic.MessageStreamParams;
  return client.messages.stream(body, { headers: asking });
}

function chunkOf(event: object): Buffer {
  const bytes = Buffer.from(JSON.stringify(event)).toString('base64');
  return writeAwsEvent('chunk', JSON.stringify({ bytes, p: 'abcdef' }));
}

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

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

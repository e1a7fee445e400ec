import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

let upstream: Upstream;
let gateway: RunningGateway;

before(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({ plugins: { 'routes/openai': {}, 'providers/vllm': upstream.provider() } });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

const chunk = (delta: object, finish: string | null = null) => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const calls = (...fragments: object[]) => chunk({ tool_calls: fragments });
const rome = { name: 'weather', arguments: '{"city":' };
const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } }];
const request = { model: 'vllm/m', tools, messages: [{ role: 'user' as const, content: 'Where is it warm?' }] };

/** Two calls, Rome and Oslo, as servers write them. */
const streams: Readonly<Record<string, object[]>> = {
  'at one index': [
    calls({ index: 0, id: 'a', type: 'function', function: rome }),
    calls({ index: 0, function: { arguments: '"Rome"}' } }),
    calls({ index: 0, id: 'b', type: 'function', function: rome }),
    calls({ index: 0, function: { arguments: '"Oslo"}' } }),
    chunk({}, 'stop'),
  ],
  'at one index in one event': [
    calls(
      { index: 0, id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
      { index: 0, id: 'b', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
    ),
    chunk({ content: '' }, 'stop'),
  ],
  'without index and type': [
    calls({ id: 'a', function: { name: 'weather', arguments: '{"city":"Rome"}' } }),
    calls({ id: 'b', function: rome }),
    calls({ function: { arguments: '"Oslo"}' } }),
    chunk({}, 'tool_calls'),
  ],
  'with the id in every fragment': [
    calls({ index: 0, id: 'a', type: 'function', function: rome }),
    calls({ index: 0, id: 'b', type: 'function', function: rome }),
    calls({ index: 0, id: 'a', function: { arguments: '"Rome"}' } }),
    calls({ index: 0, id: 'b', function: { arguments: '"Oslo"}' } }),
    chunk({}, 'stop'),
  ],
  'from index 1': [
    calls({ index: 1, id: 'a', type: 'function', function: rome }),
    calls({ index: 1, function: { arguments: '"Rome"}' } }),
    calls({ index: 2, id: 'b', type: 'function', function: rome }),
    calls({ index: 2, function: { arguments: '"Oslo"}' } }),
    chunk({}, 'tool_calls'),
  ],
};

for (const [how, events] of Object.entries(streams)) {
  for (const [sdk, Client] of [['7', OpenAI] as const, ['6', OpenAI6 as unknown as typeof OpenAI] as const]) {
    test(`parallel tool calls that a server streams ${how} reach openai ${sdk} as two`, async () => {
      upstream.reply({ events: [chunk({ role: 'assistant', content: '' }), ...events, 'data: [DONE]\n\n'] as never });
      const client = new Client({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'none', maxRetries: 0 });
      const stream = client.chat.completions.stream(request);
      const [choice] = (await stream.finalChatCompletion()).choices;
      assert.deepEqual(
        choice!.message.tool_calls!.map((call) => call.type === 'function' && [call.id, call.function.arguments]),
        [
          ['a', '{"city":"Rome"}'],
          ['b', '{"city":"Oslo"}'],
        ],
      );
      assert.equal(choice!.finish_reason, 'tool_calls');
    });
  }
}

test('a whole answer with calls says so in its finish, and what kind each call is', async () => {
  const call = { id: 'a', function: { name: 'weather', arguments: '{}' } };
  const message = { role: 'assistant', content: null, tool_calls: [call] };
  upstream.reply({
    json: { ...chunk({}), object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }] },
  });
  const client = new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'none', maxRetries: 0 });
  const [choice] = (await client.chat.completions.create(request)).choices;
  assert.equal(choice!.finish_reason, 'tool_calls');
  assert.deepEqual(choice!.message.tool_calls, [{ ...call, type: 'function' }]);
});

test('a stream in which nothing is to be changed passes byte for byte', async () => {
  const events = [
    calls({ index: 0, id: 'a', type: 'function', function: rome }),
    calls({ index: 0, function: { arguments: '"Rome"}' } }),
    chunk({}, 'tool_calls'),
  ];
  const bytes = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
  upstream.reply({ chunks: [bytes, 'data: [DONE]\n\n'], headers: { 'content-type': 'text/event-stream' } });
  const reply = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...request, stream: true }),
  });
  assert.equal(await reply.text(), `${bytes}data: [DONE]\n\n`);
});

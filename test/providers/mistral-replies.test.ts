import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { recordings, recordingsMissing } from '../recordings.ts';
import { type ProviderGateway, providerGateway } from './provider-gateway.ts';

const model = 'mistral/mistral-large-latest';
const messages = [{ role: 'user' as const, content: 'What is the weather in Paris?' }];
const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters } }];

/** A call as it was recorded: it has no type. */
const call = { function: { arguments: '{"city": "Paris"}', name: 'get_weather' }, id: 'KikbB849t', index: 0 };
const calling = { role: 'assistant', content: '', tool_calls: [call] };

const done = 'data: [DONE]\n\n';

const answer = (message: object, finish_reason: string) => ({
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'mistral-large-latest',
  choices: [{ index: 0, message, finish_reason }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: 'c',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'mistral-large-latest',
  choices: [{ index: 0, delta, finish_reason }],
});

/** The SDK of now and the one before, whose types differ. */
const clients = ({ url }: ProviderGateway) =>
  [OpenAI, OpenAI6 as unknown as typeof OpenAI].map(
    (Client) => new Client({ baseURL: `${url}/openai/v1`, apiKey: 'client', maxRetries: 0 }),
  );

/** What the SDK runs when the model asks for the weather. */
function runnable() {
  const asked: unknown[] = [];
  const get_weather = (given: unknown): string => {
    asked.push(given);
    return 'sunny';
  };
  return {
    asked,
    tools: [
      {
        type: 'function' as const,
        function: { name: 'get_weather', description: '', parameters, function: get_weather, parse: JSON.parse },
      },
    ],
  };
}

test('an SDK that runs tools runs those that mistral calls', async () => {
  await using gateway = await providerGateway('providers/mistral');
  for (const client of clients(gateway)) {
    gateway.upstream.reply({ json: answer(calling, 'tool_calls') });
    gateway.upstream.reply({ json: answer({ role: 'assistant', content: 'It is sunny.' }, 'stop') });
    const { asked, tools: runTools } = runnable();
    const final = await client.chat.completions.runTools({ model, messages, tools: runTools }).finalContent();
    assert.deepEqual([asked, final], [[{ city: 'Paris' }], 'It is sunny.']);
  }
});

test('an SDK that runs tools runs those that mistral calls in a stream', async () => {
  await using gateway = await providerGateway('providers/mistral');
  for (const client of clients(gateway)) {
    gateway.upstream.reply({ events: [chunk({ role: 'assistant', content: '' }), chunk(calling, 'tool_calls'), done] });
    gateway.upstream.reply({ events: [chunk({ role: 'assistant', content: 'Sunny.' }, 'stop'), done] });
    const { asked, tools: runTools } = runnable();
    const final = await client.chat.completions
      .runTools({ model, messages, tools: runTools, stream: true })
      .finalContent();
    assert.deepEqual([asked, final], [[{ city: 'Paris' }], 'Sunny.']);
  }
});

test('calls of mistral have a type, and in a stream an index, also where it gives neither', async () => {
  await using gateway = await providerGateway('providers/mistral');
  const bare = ['a', 'b'].map((name, i) => ({ id: `abcdefgh${i}`, function: { name, arguments: '{}' } }));
  gateway.upstream.reply({ json: answer({ role: 'assistant', content: '', tool_calls: bare }, 'tool_calls') });
  const whole = await gateway.client.chat.completions.create({ model, messages, tools });
  const typed = bare.map((one) => ({ ...one, type: 'function' }));
  assert.deepEqual(whole.choices[0]!.message.tool_calls, typed);
  gateway.upstream.reply({
    events: [chunk({ role: 'assistant', content: '', tool_calls: bare }), chunk({}, 'tool_calls'), done],
  });
  const streamed = await gateway.client.chat.completions.stream({ model, messages, tools }).finalChatCompletion();
  assert.deepEqual(
    streamed.choices[0]!.message.tool_calls?.map((one) => one.type === 'function' && one.function.name),
    ['a', 'b'],
  );
});

test('arguments that mistral gives as an object reach the client as text', async () => {
  await using gateway = await providerGateway('providers/mistral');
  const spelt = { ...call, function: { name: 'get_weather', arguments: { city: 'Paris' } } };
  gateway.upstream.reply({ json: answer({ ...calling, tool_calls: [spelt] }, 'tool_calls') });
  const { choices } = await gateway.client.chat.completions.create({ model, messages, tools });
  const [made] = choices[0]!.message.tool_calls ?? [];
  assert.equal(made?.type === 'function' && made.function.arguments, '{"city":"Paris"}');
});

test('the rest of a call that mistral began, and a call that has its type, keep their bytes', async () => {
  await using gateway = await providerGateway('providers/mistral');
  const whole = JSON.stringify(chunk({ tool_calls: [{ ...call, type: 'function' }] }));
  const rest = JSON.stringify(chunk({ tool_calls: [{ index: 0, function: { arguments: '"}' } }] }));
  gateway.upstream.reply({ events: [`data: ${whole}\n\n`, `data: ${rest}\n\n`, chunk({}, 'tool_calls'), done] });
  const reply = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages, tools, stream: true }),
  });
  const text = await reply.text();
  assert.ok(text.includes(whole) && text.includes(rest), text);
});

test('every call that mistral was recorded with is one that the SDK takes', { skip: recordingsMissing }, async (t) => {
  await using gateway = await providerGateway('providers/mistral');
  let count = 0;
  for (const { file, interactions } of recordings('mistral')) {
    for (const { response } of interactions) {
      const { choices } = (response.body ?? {}) as { choices?: { message: { tool_calls?: object[] } }[] };
      const calls = choices?.[0]?.message.tool_calls;
      if (!calls?.length) continue;
      gateway.upstream.reply({ json: response.body });
      const reply = await gateway.client.chat.completions.create({ model, messages, tools });
      assert.deepEqual(
        reply.choices[0]!.message.tool_calls,
        calls.map((one) => ({ ...one, type: 'function' })),
        file,
      );
      count += 1;
    }
  }
  t.diagnostic(`${count} replies with calls`);
  assert.ok(count > 0);
});

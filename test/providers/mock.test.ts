import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import OpenAI from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import OpenAI6 from 'openai-6';
import { z } from 'zod';
import type { Clock } from '../../plugin-sdk/index.ts';
import { type RunningGateway, startGateway } from '../../plugin-sdk/testing/index.ts';
import { TimedFlow } from '../../providers/mock/timed-flow.ts';

let gateway: RunningGateway;

before(async () => {
  gateway = await startGateway({
    plugins: {
      'routes/openai': {},
      'providers/mock': {},
      flaky: { use: 'providers/mock', failures: [{ ratio: 0.5, status: 503, message: 'The mock rests.' }] },
      paced: { use: 'providers/mock', chunks: 4, chunkDelayMs: 40, latencyMs: 40 },
    },
  });
});

after(() => gateway?.close());

const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'The weather in a city.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 2 } },
      required: ['city', 'days'],
    },
  },
};

const sdks = [
  ['openai', () => new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'none', maxRetries: 0 })],
  [
    'openai-6',
    () => new OpenAI6({ baseURL: `${gateway.url}/openai`, apiKey: 'none', maxRetries: 0 }) as unknown as OpenAI,
  ],
] as const;

for (const [name, client] of sdks) {
  suite(`the mock, called with ${name}`, () => {
    test('gives the prompt back, with usage that follows from the text', async () => {
      const ask = { model: 'mock/echo', messages: [{ role: 'user' as const, content: 'Hello, mock!' }] };
      const completion = await client().chat.completions.create(ask);
      assert.equal(completion.choices[0]?.message.content, 'Hello, mock!');
      assert.equal(completion.choices[0]?.finish_reason, 'stop');
      assert.deepEqual([completion.usage?.prompt_tokens, completion.usage?.completion_tokens], [3, 3]);
    });

    test('streams a chat word by word', async () => {
      const stream = await client().chat.completions.create({
        model: 'mock/mock',
        messages: [{ role: 'user', content: 'one two three' }],
        stream: true,
        stream_options: { include_usage: true },
      });
      const pieces: string[] = [];
      let tokens = 0;
      for await (const chunk of stream) {
        if (chunk.choices[0]?.delta.content) pieces.push(chunk.choices[0].delta.content);
        tokens = chunk.usage?.total_tokens ?? tokens;
      }
      assert.deepEqual(pieces, ['You ', 'said: ', 'one ', 'two ', 'three']);
      assert.ok(tokens > 0);
    });

    test('satisfies the stream helper', async () => {
      const stream = client().chat.completions.stream({
        model: 'mock/mock',
        messages: [{ role: 'user', content: 'Hi' }],
      });
      const final = await stream.finalChatCompletion();
      assert.equal(final.choices[0]?.message.content, 'You said: Hi');
    });

    test('answers a wanted format with JSON that fits the schema', async () => {
      const schema = {
        type: 'object',
        properties: {
          name: { type: 'string', maxLength: 5 },
          mood: { enum: ['calm', 'wild'] },
          parts: { type: 'array', items: { $ref: '#/$defs/part' }, minItems: 2 },
          note: { anyOf: [{ type: 'null' }, { type: 'string' }] },
        },
        required: ['name', 'mood', 'parts', 'note'],
        $defs: { part: { type: 'object', properties: { size: { type: 'number', minimum: 3 } }, required: ['size'] } },
      };
      const parsed = await client().chat.completions.parse({
        model: 'mock/mock',
        messages: [{ role: 'user', content: 'An animal, please' }],
        response_format: { type: 'json_schema', json_schema: { name: 'animal', schema, strict: true } },
      });
      const text = parsed.choices[0]?.message.content ?? '';
      assert.deepEqual(JSON.parse(text), {
        name: 'An an',
        mood: 'calm',
        parts: [{ size: 3 }, { size: 3 }],
        note: null,
      });
    });

    test('satisfies what the parse helpers expect of a zod schema', async () => {
      const place = z.object({ city: z.string(), size: z.number().int(), sights: z.array(z.string()) });
      const asked = { city: 'Rome', size: 1, sights: ['Rome'] };
      const chat = await client().chat.completions.parse({
        model: 'mock/mock',
        messages: [{ role: 'user', content: 'Rome' }],
        response_format: zodResponseFormat(place, 'place'),
      });
      assert.deepEqual(chat.choices[0]?.message.parsed, asked);
      const response = await client().responses.parse({
        model: 'mock/mock',
        input: 'Rome',
        text: { format: zodTextFormat(place, 'place') },
      });
      assert.deepEqual(response.output_parsed, asked);
    });

    test('calls a demanded tool with arguments that fit its schema', async () => {
      const completion = await client().chat.completions.create({
        model: 'mock/mock',
        messages: [{ role: 'user', content: 'Rome' }],
        tools: [weather],
        tool_choice: 'required',
      });
      const call = completion.choices[0]?.message.tool_calls?.[0];
      assert.equal(completion.choices[0]?.finish_reason, 'tool_calls');
      assert.ok(call?.type === 'function');
      assert.deepEqual(
        [call.function.name, JSON.parse(call.function.arguments)],
        ['get_weather', { city: 'Rome', days: 2 }],
      );
    });

    test('ends a tool loop after the result', async () => {
      const seen: unknown[] = [];
      const runner = client().chat.completions.runTools({
        model: 'mock/mock',
        messages: [{ role: 'user', content: 'Please call tool get_weather for Rome' }],
        tools: [
          {
            type: 'function',
            function: {
              ...weather.function,
              parse: JSON.parse,
              function: (given: unknown) => {
                seen.push(given);
                return 'Sunny.';
              },
            },
          },
        ],
      } as never);
      assert.equal(await runner.finalContent(), 'The tool answered: Sunny.');
      assert.equal(seen.length, 1);
    });

    test('streams a tool call that the helper can put together', async () => {
      const stream = client().chat.completions.stream({
        model: 'mock/mock',
        messages: [{ role: 'user', content: 'call tool get_weather' }],
        tools: [weather],
      });
      const final = await stream.finalChatCompletion();
      const call = final.choices[0]?.message.tool_calls?.[0];
      assert.ok(call?.type === 'function');
      assert.equal(JSON.parse(call.function.arguments).days, 2);
    });

    test('answers and streams responses', async () => {
      const created = await client().responses.create({ model: 'mock/mock', input: 'Hello' });
      assert.equal(created.output_text, 'You said: Hello');
      assert.equal(created.status, 'completed');
      let text = '';
      for await (const event of await client().responses.create({ model: 'mock/mock', input: 'Hello', stream: true })) {
        if (event.type === 'response.output_text.delta') text += event.delta;
      }
      assert.equal(text, 'You said: Hello');
      const helper = client().responses.stream({ model: 'mock/mock', input: 'Hello again' });
      assert.equal((await helper.finalResponse()).output_text, 'You said: Hello again');
    });

    test('completes a prompt, whole and as a stream', async () => {
      const whole = await client().completions.create({ model: 'mock/mock', prompt: 'Once' });
      assert.equal(whole.choices[0]?.text, 'You said: Once');
      let text = '';
      for await (const chunk of await client().completions.create({
        model: 'mock/mock',
        prompt: 'Once',
        stream: true,
      })) {
        text += chunk.choices[0]?.text ?? '';
      }
      assert.equal(text, 'You said: Once');
    });
  });
}

suite('the failures and the pace of the mock', () => {
  const client = () => new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'none', maxRetries: 0 });
  const ask = (model: string) =>
    client().chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] });

  test('answers with the status that the model names', async () => {
    await assert.rejects(ask('mock/error-429'), { status: 429, message: '429 The mock answers 429.' });
  });

  test('fails the configured share of requests, evenly', async () => {
    const statuses = [];
    for (let i = 0; i < 6; i++)
      statuses.push(
        await ask('flaky/any').then(
          () => 200,
          ({ status }) => status,
        ),
      );
    assert.deepEqual(statuses, [200, 503, 200, 503, 200, 503]);
  });

  test('takes its time before and between the pieces of a stream', async () => {
    const started = performance.now();
    const stream = await client().chat.completions.create({
      model: 'paced/echo',
      messages: [{ role: 'user', content: 'abcdefgh' }],
      stream: true,
    });
    const pieces: string[] = [];
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) pieces.push(chunk.choices[0].delta.content);
    assert.deepEqual(pieces, ['ab', 'cd', 'ef', 'gh']);
    assert.ok(performance.now() - started >= 190, 'it waits 40 ms five times');
  });

  test('stops when the client leaves', async () => {
    const stream = await client().chat.completions.create({
      model: 'paced/echo',
      messages: [{ role: 'user', content: 'abcdefgh' }],
      stream: true,
    });
    for await (const _ of stream) break;
    const deadline = performance.now() + 100;
    while (gateway.gateway.current.open > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(gateway.gateway.current.open, 0);
  });

  test('leaves no timer behind when a stream is given up', () => {
    let timers = 0;
    const clock: Clock = {
      now: () => 0,
      monotonic: () => 0,
      after: () => {
        timers += 1;
        return () => {
          timers -= 1;
        };
      },
    };
    const flow = new TimedFlow([{ item: 'late', afterMs: 10 }], clock);
    flow.start({ push: () => true, end: () => {}, fail: () => {} });
    assert.equal(timers, 1);
    flow.abort();
    assert.equal(timers, 0);
  });

  test('ends a cut stream with an error and no success', async () => {
    const stream = await client().chat.completions.create({
      model: 'mock/cut',
      messages: [{ role: 'user', content: 'one two three four' }],
      stream: true,
    });
    const finishes: unknown[] = [];
    await assert.rejects(async () => {
      for await (const chunk of stream) finishes.push(chunk.choices[0]?.finish_reason);
    }, /ended the stream/);
    assert.ok(finishes.every((finish) => !finish));
  });
});

import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import OpenAI6 from 'openai-6';
import {
  type RunningGateway,
  type SeenRequest,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';

const base = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'gpt-4o-2024-08-06' };
const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
const message = (more: object) => ({ role: 'assistant', content: null, refusal: null, ...more });
const completion = (more: object, finish = 'stop') => ({
  ...base,
  object: 'chat.completion',
  choices: [{ index: 0, message: message(more), logprobs: null, finish_reason: finish }],
  usage,
});
const chunk = (delta: object, finish: string | null = null) => ({
  ...base,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
});
const chatStream = [
  chunk({ role: 'assistant', content: '' }),
  chunk({ content: 'Hel' }),
  chunk({ content: 'lo' }),
  chunk({}, 'stop'),
  'data: [DONE]\n\n',
];

let upstream: Upstream;
let gateway: RunningGateway;

before(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({ plugins: { 'routes/openai': {}, 'providers/openai': upstream.provider() } });
});

beforeEach(() =>
  upstream.always({ status: 404, json: { error: { message: 'no script', type: 'x', param: null, code: null } } }),
);

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

const last = (): SeenRequest => upstream.requests.at(-1) as SeenRequest;

const sdks = [
  ['openai', () => new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'sk-of-the-client', maxRetries: 0 })],
  [
    'openai-6',
    () =>
      new OpenAI6({
        baseURL: `${gateway.url}/openai/v1`,
        apiKey: 'sk-of-the-client',
        maxRetries: 0,
      }) as unknown as OpenAI,
  ],
] as const;

for (const [name, client] of sdks) {
  suite(`a scripted OpenAI upstream, called with ${name}`, () => {
    test('creates a chat completion, and keeps the client’s credential to itself', async () => {
      upstream.reply({
        json: completion({ content: 'Hello' }),
        headers: { 'x-request-id': 'req_up', 'openai-processing-ms': '5' },
      });
      const { data, response } = await client()
        .chat.completions.create({ model: 'openai/gpt-4o', messages: [{ role: 'user', content: 'Hi' }] })
        .withResponse();
      assert.equal(data.choices[0]?.message.content, 'Hello');
      assert.deepEqual(last().json, { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] });
      assert.equal(last().headers.authorization, 'Bearer sk-upstream');
      assert.equal(response.headers.get('x-bf-provider'), 'openai');
      assert.equal(response.headers.get('x-upstream-request-id'), 'req_up');
      assert.equal(response.headers.get('openai-processing-ms'), '5');
      assert.notEqual(response.headers.get('x-request-id'), 'req_up');
    });

    test('streams a chat, plainly and through the helper', async () => {
      upstream.reply({ events: chatStream }, { events: chatStream });
      const ask = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'Hi' }] };
      let text = '';
      for await (const part of await client().chat.completions.create({ ...ask, stream: true }))
        text += part.choices[0]?.delta.content ?? '';
      assert.equal(text, 'Hello');
      const final = await client().chat.completions.stream(ask).finalChatCompletion();
      assert.equal(final.choices[0]?.message.content, 'Hello');
    });

    test('parses structured output', async () => {
      upstream.reply({ json: completion({ content: '{"city":"Rome"}' }) });
      const schema = {
        type: 'object',
        properties: { city: { type: 'string' } },
        required: ['city'],
        additionalProperties: false,
      };
      const parsed = await client().chat.completions.parse({
        model: 'gpt-4o',
        messages: [{ role: 'user', content: 'Where?' }],
        response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema } },
      });
      assert.equal(parsed.choices[0]?.message.content, '{"city":"Rome"}');
      assert.deepEqual((last().json as { response_format: { json_schema: object } }).response_format.json_schema, {
        name: 'place',
        strict: true,
        schema,
      });
    });

    test('runs tools to the end', async () => {
      const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } };
      upstream.reply(
        { json: completion({ tool_calls: [call] }, 'tool_calls') },
        { json: completion({ content: 'It is sunny.' }) },
      );
      const runner = client().chat.completions.runTools({
        model: 'gpt-4o',
        messages: [{ role: 'user', content: 'Weather?' }],
        tools: [
          {
            type: 'function',
            function: {
              name: 'weather',
              parse: JSON.parse,
              parameters: { type: 'object', properties: {} },
              function: () => 'sunny',
            },
          },
        ],
      } as never);
      assert.equal(await runner.finalContent(), 'It is sunny.');
      const { messages } = last().json as { messages: { role: string; tool_call_id?: string; content: string }[] };
      assert.deepEqual(messages.at(-1), { role: 'tool', tool_call_id: 'call_1', content: 'sunny' });
    });

    test('creates and streams responses', async () => {
      const item = {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'Hello', annotations: [] }],
      };
      const response = {
        id: 'resp_1',
        object: 'response',
        created_at: 1,
        status: 'completed',
        error: null,
        model: 'gpt-4o',
        output: [item],
      };
      upstream.reply({ json: response });
      assert.equal((await client().responses.create({ model: 'openai/gpt-4o', input: 'Hi' })).output_text, 'Hello');
      assert.equal(last().url, '/v1/responses');
      assert.deepEqual(last().json, { model: 'gpt-4o', input: 'Hi' });
      const part = { type: 'output_text', text: '', annotations: [] };
      const events = [
        { type: 'response.created', response: { ...response, status: 'in_progress', output: [] } },
        { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
        { type: 'response.content_part.added', item_id: 'msg_1', output_index: 0, content_index: 0, part },
        {
          type: 'response.output_text.delta',
          item_id: 'msg_1',
          output_index: 0,
          content_index: 0,
          delta: 'Hello',
          logprobs: [],
        },
        { type: 'response.output_item.done', output_index: 0, item },
        { type: 'response.completed', response },
      ].map((event, i) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: i })}\n\n`);
      upstream.reply({ events }, { events });
      const types: string[] = [];
      for await (const event of await client().responses.create({ model: 'gpt-4o', input: 'Hi', stream: true }))
        types.push(event.type);
      assert.deepEqual([types.length, types.at(-1)], [6, 'response.completed']);
      assert.equal(
        (await client().responses.stream({ model: 'gpt-4o', input: 'Hi' }).finalResponse()).output_text,
        'Hello',
      );
    });

    test('carries embeddings as base64, as the SDK asks', async () => {
      const floats = Buffer.from(new Float32Array([0.5, -1]).buffer).toString('base64');
      upstream.reply({
        json: {
          object: 'list',
          data: [{ object: 'embedding', index: 0, embedding: floats }],
          model: 'e',
          usage: { prompt_tokens: 1, total_tokens: 1 },
        },
      });
      const { data } = await client().embeddings.create({ model: 'text-embedding-3-small', input: 'a' });
      assert.deepEqual(data[0]?.embedding, [0.5, -1]);
    });

    test('carries a file up and down byte for byte, however large', async () => {
      const bytes = Buffer.alloc(3_000_000, 'abcdefg\r\n--');
      upstream.reply({
        json: {
          id: 'file-1',
          object: 'file',
          bytes: bytes.length,
          created_at: 1,
          filename: 'a.bin',
          purpose: 'user_data',
          status: 'processed',
        },
      });
      const file = await client().files.create({ file: await toFile(bytes, 'a.bin'), purpose: 'user_data' });
      assert.equal(file.id, 'file-1');
      assert.ok(last().body.includes(bytes));
      upstream.reply({
        body: bytes,
        headers: { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment; filename="a.bin"' },
      });
      const content = await client().files.content('file-1');
      assert.equal(content.headers.get('content-disposition'), 'attachment; filename="a.bin"');
      assert.deepEqual(Buffer.from(await content.arrayBuffer()), bytes);
    });

    test('makes images, speech and transcripts', async () => {
      upstream.reply({ json: { created: 1, data: [{ b64_json: 'AAAA' }] } });
      assert.equal(
        (await client().images.generate({ model: 'gpt-image-1', prompt: 'a cat' })).data?.[0]?.b64_json,
        'AAAA',
      );
      const audio = Buffer.from([0xff, 0xfb, 0, 1, 2, 0xff]);
      upstream.reply({ chunks: [audio.subarray(0, 2), audio.subarray(2)], headers: { 'content-type': 'audio/mpeg' } });
      const speech = await client().audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'Hello' });
      assert.deepEqual(Buffer.from(await speech.arrayBuffer()), audio);
      upstream.reply({ body: 'WEBVTT\n\n', headers: { 'content-type': 'text/plain; charset=utf-8' } });
      const file = await toFile(audio, 'a.mp3');
      const vtt = await client().audio.transcriptions.create({
        model: 'openai/whisper-1',
        file,
        response_format: 'vtt',
      });
      assert.equal(vtt, 'WEBVTT\n\n');
      assert.match(last().body.toString('latin1'), /name="model"\r\n\r\nwhisper-1\r\n/);
    });

    test('creates, retrieves and lists batches', async () => {
      const batch = {
        id: 'batch_1',
        object: 'batch',
        endpoint: '/v1/chat/completions',
        status: 'validating',
        input_file_id: 'file-1',
        completion_window: '24h',
        created_at: 1,
      };
      upstream.reply(
        { json: batch },
        { json: batch },
        { json: { object: 'list', data: [batch], first_id: 'batch_1', last_id: 'batch_1', has_more: false } },
      );
      await client().batches.create({
        input_file_id: 'file-1',
        endpoint: '/v1/chat/completions',
        completion_window: '24h',
      });
      assert.equal((await client().batches.retrieve('batch_1')).status, 'validating');
      assert.equal((await client().batches.list({ limit: 2 })).data.length, 1);
      assert.equal(last().url, '/v1/batches?limit=2');
    });

    test('passes a refusal of the provider on in its own words', async () => {
      const error = { message: 'Bad `tools`.', type: 'invalid_request_error', param: 'tools', code: 'invalid_value' };
      upstream.reply({ status: 400, json: { error } });
      await assert.rejects(client().chat.completions.create({ model: 'gpt-4o', messages: [] }), {
        status: 400,
        ...error,
        message: '400 Bad `tools`.',
      });
    });

    test('ends a broken stream with an error and without [DONE]', async () => {
      upstream.reply({ events: chatStream.slice(0, 2), fault: 'cut' });
      const stream = await client().chat.completions.create({ model: 'gpt-4o', messages: [], stream: true });
      let text = '';
      await assert.rejects(async () => {
        for await (const part of stream) text += part.choices[0]?.delta.content ?? '';
      });
      assert.equal(text, 'Hel');
    });
  });
}

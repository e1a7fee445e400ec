import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import type { SeenRequest } from '../../plugin-sdk/testing/index.ts';
import { type PassthroughGateway, passthroughGateway, rawCall } from './passthrough-gateway.ts';

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-mini',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'hello back', refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
};
const chunk = (delta: object, finish: string | null = null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-4o-mini',
  choices: [{ index: 0, delta, finish_reason: finish }],
});

let gateway: PassthroughGateway;

before(async () => {
  gateway = await passthroughGateway();
});

after(() => gateway?.close());

const last = (): SeenRequest => gateway.upstreams.openai.requests.at(-1) as SeenRequest;
const { messages } = { messages: [{ role: 'user' as const, content: 'hello from passthrough' }] };

for (const [name, Client] of [
  ['openai 7', OpenAI],
  ['openai 6', OpenAI6 as unknown as typeof OpenAI],
] as const) {
  for (const base of ['/openai_passthrough/v1', '/openai_passthrough']) {
    const client = () => new Client({ baseURL: gateway.url + base, apiKey: 'dummy-key', maxRetries: 0 });

    test(`serves the sample of the documentation with ${name} at ${base}`, async () => {
      gateway.upstreams.openai.reply({ json: completion });
      const ended = gateway.next();
      const response = await client().chat.completions.create({ model: 'gpt-4o-mini', messages });
      assert.equal(response.choices[0]?.message.content, 'hello back');
      assert.equal(last().method, 'POST');
      assert.equal(last().url, '/v1/chat/completions');
      assert.equal(last().headers.authorization, 'Bearer sk-upstream');
      assert.deepEqual(last().json, { model: 'gpt-4o-mini', messages });
      const { exchange, outcome } = await ended;
      assert.equal(exchange.operation, 'passthrough');
      assert.equal(exchange.dialect.id, 'openai.chat');
      assert.equal(exchange.targets[0]?.model, 'gpt-4o-mini');
      assert.equal(outcome.usage?.input, 9);
      assert.equal(outcome.usage?.output, 3);
      assert.equal(outcome.finish, 'stop');
    });

    test(`streams with ${name} at ${base}`, async () => {
      gateway.upstreams.openai.reply({
        events: [
          chunk({ role: 'assistant', content: '' }),
          chunk({ content: 'one ' }),
          chunk({ content: 'two' }),
          chunk({}, 'stop'),
          { ...chunk({}), choices: [], usage: completion.usage },
          'data: [DONE]\n\n',
        ],
      });
      const ended = gateway.next();
      const stream = await client().chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true });
      let text = '';
      for await (const event of stream) text += event.choices[0]?.delta.content ?? '';
      assert.equal(text, 'one two');
      assert.equal((await ended).outcome.usage?.output, 3);
    });
  }
}

test('gives the error of the provider to the SDK as a direct call would', async () => {
  const client = new OpenAI({ baseURL: `${gateway.url}/openai_passthrough/v1`, apiKey: 'dummy-key', maxRetries: 0 });
  const error = { message: 'no such model', type: 'invalid_request_error', param: 'model', code: 'model_not_found' };
  gateway.upstreams.openai.reply({ status: 404, json: { error }, headers: { 'x-request-id': 'req_up' } });
  const failure = await client.chat.completions.create({ model: 'nope', messages }).catch((cause) => cause);
  assert.ok(failure instanceof OpenAI.NotFoundError);
  assert.equal(failure.code, 'model_not_found');
  assert.equal(failure.headers.get('x-upstream-request-id'), 'req_up');
});

test('passes an endpoint that nobody has heard of, any method, with its query untouched', async () => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND']) {
    gateway.upstreams.openai.reply({
      status: 299,
      body: method === 'HEAD' ? '' : 'made up',
      headers: { 'x-made-up': 'yes' },
    });
    const query = '?b=2&a=1&a=%20+&empty=&api-version=x&flag';
    const reply = await rawCall(gateway, `/openai_passthrough/v1/brand/new-thing${query}`, {
      method,
      headers: { 'x-own': 'kept' },
    });
    assert.equal(reply.status, 299, method);
    assert.equal(reply.headers['x-made-up'], 'yes');
    assert.equal(last().method, method);
    assert.equal(last().url, `/v1/brand/new-thing${query}`);
    assert.equal(last().headers['x-own'], 'kept');
  }
});

test('keeps every credential of the client and every header of the gateway to itself', async () => {
  gateway.upstreams.openai.reply({ json: {}, headers: { 'set-cookie': 'a=b', 'x-kept': '1', 'x-bf-fake': '1' } });
  const reply = await rawCall(gateway, '/openai_passthrough/v1/models', {
    headers: {
      authorization: 'Bearer theirs',
      'x-api-key': 'theirs',
      'api-key': 'theirs',
      'x-goog-api-key': 'theirs',
      cookie: 'theirs',
      'proxy-authorization': 'theirs',
      'x-bf-vk': 'sk-bf-theirs',
      'x-bf-eh-x-extra': 'wanted',
      'accept-encoding': 'gzip, br',
      'openai-beta': 'assistants=v2',
    },
  });
  assert.equal(last().headers.authorization, 'Bearer sk-upstream');
  assert.ok(!JSON.stringify(last().rawHeaders).includes('theirs'));
  assert.equal(last().headers['x-extra'], 'wanted');
  assert.equal(last().headers['accept-encoding'], 'gzip, br');
  assert.equal(last().headers['openai-beta'], 'assistants=v2');
  assert.equal(reply.headers['set-cookie'], undefined);
  assert.equal(reply.headers['x-bf-fake'], undefined);
  assert.equal(reply.headers['x-kept'], '1');
  assert.equal(reply.headers['x-bf-provider'], 'openai');
});

test('reads the model from a form and leaves its bytes alone', async () => {
  const form = new FormData();
  form.append('file', new Blob([Buffer.from([0, 255, 13, 10, 45, 45])]), 'a.wav');
  form.append('model', 'whisper-1');
  const encoded = new Response(form);
  const body = Buffer.from(await encoded.arrayBuffer());
  gateway.upstreams.openai.reply({
    json: { text: 'hi', usage: { type: 'tokens', input_tokens: 14, output_tokens: 45, total_tokens: 59 } },
  });
  const ended = gateway.next();
  await rawCall(gateway, '/openai_passthrough/v1/audio/transcriptions', {
    method: 'POST',
    headers: { 'content-type': encoded.headers.get('content-type')! },
    body,
  });
  assert.deepEqual(last().body, body);
  const { exchange, outcome } = await ended;
  assert.equal(exchange.targets[0]?.model, 'whisper-1');
  assert.equal(outcome.usage?.input, 14);
});

test('keeps a slash in a model as part of its name, whatever providers there are', async () => {
  gateway.upstreams.openai.reply({ json: completion });
  const before = gateway.upstreams.anthropic.requests.length;
  await rawCall(gateway, '/openai_passthrough/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"model":"anthropic/x","messages":[]}',
  });
  assert.equal(gateway.upstreams.anthropic.requests.length, before);
  assert.equal(last().body.toString(), '{"model":"anthropic/x","messages":[]}');
});

test('changes nothing in a body but the model that its key has another name for', async () => {
  await using renaming = await passthroughGateway({
    plugins: {
      'providers/openai': {
        ...gateway.upstreams.openai.provider(),
        keys: [{ name: 'a', value: 'sk-a', aliases: { fast: 'gpt-4o-mini' } }],
      },
    },
  });
  gateway.upstreams.openai.reply({ json: completion });
  const body = '{ "seed": 12345678901234567890,  "model" : "fast", "x": 1.0, "x": [ ] }';
  await rawCall(renaming, '/openai_passthrough/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  assert.equal(last().body.toString(), body.replace('"fast"', '"gpt-4o-mini"'));
});

test('lets only the calls pass that an operator allows', async () => {
  await using guarded = await passthroughGateway({
    plugins: { 'routes/openai-passthrough': { allow: ['POST /v1/chat/completions', 'GET /v1/files/*'] } },
  });
  guarded.upstreams.openai.always({ json: {} });
  const status = async (method: string, path: string) =>
    (await rawCall(guarded, `/openai_passthrough${path}`, { method })).status;
  assert.equal(await status('POST', '/v1/chat/completions'), 200);
  assert.equal(await status('GET', '/v1/files/file-1/content'), 200);
  assert.equal(await status('DELETE', '/v1/files/file-1'), 403);
  assert.equal(await status('POST', '/v1/chat/completions/x'), 403);
  assert.equal(guarded.upstreams.openai.requests.length, 2);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { GoogleGenAI } from '@google/genai';
import { GoogleGenAI as GoogleGenAI2 } from 'genai-2';
import type { SeenRequest } from '../../plugin-sdk/testing/index.ts';
import { type PassthroughGateway, passthroughGateway, rawCall } from './passthrough-gateway.ts';

const answer = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'hello back' }] }, finishReason: 'STOP', index: 0 }],
  usageMetadata: { promptTokenCount: 8, candidatesTokenCount: 2, thoughtsTokenCount: 3, totalTokenCount: 13 },
  modelVersion: 'gemini-2.5-flash',
};
const json = { 'content-type': 'application/json' };

let gateway: PassthroughGateway;

before(async () => {
  gateway = await passthroughGateway();
});

after(() => gateway?.close());

const gemini = (): SeenRequest => gateway.upstreams.gemini.requests.at(-1) as SeenRequest;
const vertex = (): SeenRequest => gateway.upstreams.vertex.requests.at(-1) as SeenRequest;
const located = '/projects/our-project/locations/europe-west4/publishers/google/models';

for (const [name, Client, version] of [
  ['@google/genai 3.1', GoogleGenAI, 'v1'],
  ['@google/genai 2', GoogleGenAI2 as unknown as typeof GoogleGenAI, 'v1beta'],
] as const) {
  const client = (vertexai: boolean) =>
    new Client({ apiKey: 'dummy-key', vertexai, httpOptions: { baseUrl: `${gateway.url}/genai_passthrough` } });

  test(`serves the Gemini sample of the documentation with ${name}`, async () => {
    gateway.upstreams.gemini.reply({ json: answer });
    const ended = gateway.next();
    const response = await client(false).models.generateContent({
      model: 'gemini-2.5-flash',
      contents: 'hello from passthrough',
    });
    assert.equal(response.text, 'hello back');
    assert.equal(gemini().url, `/${version}/models/gemini-2.5-flash:generateContent`);
    assert.equal(gemini().headers['x-goog-api-key'], 'sk-upstream');
    const { exchange, outcome } = await ended;
    assert.equal(exchange.dialect.id, 'gemini.generateContent');
    assert.deepEqual(exchange.targets, [{ provider: 'gemini', model: 'gemini-2.5-flash' }]);
    assert.deepEqual([outcome.usage?.input, outcome.usage?.output, outcome.usage?.reasoning], [8, 5, 3]);
  });

  test(`serves the Vertex sample of the documentation with ${name}`, async () => {
    gateway.upstreams.vertex.reply({ json: answer });
    const ended = gateway.next();
    const response = await client(true).models.generateContent({
      model: 'gemini-2.5-flash',
      contents: 'hello from vertex passthrough',
    });
    assert.equal(response.text, 'hello back');
    assert.equal(vertex().url, `/v1beta1${located}/gemini-2.5-flash:generateContent`);
    assert.equal(vertex().headers.authorization, 'Bearer ya29.upstream');
    assert.equal(vertex().headers['x-goog-api-key'], undefined);
    const { exchange, outcome } = await ended;
    assert.deepEqual(exchange.targets, [{ provider: 'vertex', model: 'gemini-2.5-flash' }]);
    assert.equal(outcome.usage?.input, 8);
  });

  test(`streams in both modes with ${name}`, async () => {
    for (const isVertex of [false, true]) {
      const part = (text: string) => ({ candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0 }] });
      gateway.upstreams[isVertex ? 'vertex' : 'gemini'].reply({ events: [part('hello '), answer] });
      const ended = gateway.next();
      let text = '';
      for await (const chunk of await client(isVertex).models.generateContentStream({
        model: 'gemini-2.5-flash',
        contents: 'hi',
      }))
        text += chunk.text;
      assert.equal(text, 'hello hello back');
      assert.ok((isVertex ? vertex() : gemini()).url.endsWith('/gemini-2.5-flash:streamGenerateContent?alt=sse'));
      assert.equal((await ended).outcome.usage?.output, 5);
    }
  });

  test(`takes an upload of ${name} through the gateway in all its steps`, async () => {
    const { gemini: upstream } = gateway.upstreams;
    const file = { name: 'files/abc', uri: 'https://files.example/abc', mimeType: 'text/plain' };
    upstream.always(({ url, headers }) =>
      headers['x-goog-upload-command'] === 'start'
        ? { json: {}, headers: { 'x-goog-upload-url': `${upstream.url}${url}?upload_id=u1&upload_protocol=resumable` } }
        : { json: { file }, headers: { 'x-goog-upload-status': 'final' } },
    );
    const before = upstream.requests.length;
    const uploaded = await client(false).files.upload({
      file: new Blob(['some text']),
      config: { mimeType: 'text/plain' },
    });
    assert.equal(uploaded.name, 'files/abc');
    const [start, send] = upstream.requests.slice(before);
    assert.equal(start?.url, `/upload/${version}/files`);
    assert.equal(send?.url, `/upload/${version}/files?upload_id=u1&upload_protocol=resumable`);
    assert.equal(send?.body.toString(), 'some text');
    assert.equal(send?.headers['x-goog-api-key'], 'sk-upstream');
  });
}

test('takes a call for Vertex by its path, its model or its token, and only then', async () => {
  const rows: [
    path: string,
    body: string,
    headers: Record<string, string>,
    provider: 'gemini' | 'vertex',
    seen: string,
  ][] = [
    [
      '/v1/projects/None/locations/None/publishers/google/models/g:generateContent',
      '{}',
      {},
      'vertex',
      `/v1${located}/g:generateContent`,
    ],
    [
      '/v1beta1/projects/p/locations/l/cachedContents',
      '{}',
      {},
      'vertex',
      '/v1beta1/projects/our-project/locations/europe-west4/cachedContents',
    ],
    [
      '/v1beta1/publishers/anthropic/models/claude@2:rawPredict',
      '{}',
      {},
      'vertex',
      '/v1beta1/projects/our-project/locations/europe-west4/publishers/anthropic/models/claude@2:rawPredict',
    ],
    [
      '/v1/models/g:generateContent',
      '{}',
      { authorization: 'Bearer ya29.theirs' },
      'vertex',
      `/v1${located}/g:generateContent`,
    ],
    [
      '/v1beta1/cachedContents',
      '{"model":"projects/P/locations/L/publishers/google/models/g"}',
      {},
      'vertex',
      '/v1beta1/projects/our-project/locations/europe-west4/cachedContents',
    ],
    [
      '/v1beta/models/g:generateContent',
      '{"contents":"/projects/a/locations/b/"}',
      {},
      'gemini',
      '/v1beta/models/g:generateContent',
    ],
    [
      '/v1beta/models/g:generateContent',
      '{}',
      { authorization: 'Bearer AIza' },
      'gemini',
      '/v1beta/models/g:generateContent',
    ],
    ['/v1beta/tunedModels/t1:generateContent', '{}', {}, 'gemini', '/v1beta/tunedModels/t1:generateContent'],
  ];
  gateway.upstreams.gemini.always({ json: answer });
  gateway.upstreams.vertex.always({ json: answer });
  for (const [path, body, headers, provider, seen] of rows) {
    const reply = await rawCall(gateway, `/genai_passthrough${path}`, {
      method: 'POST',
      headers: { ...json, ...headers },
      body,
    });
    assert.equal(reply.headers['x-bf-provider'], provider, path);
    assert.equal((provider === 'vertex' ? vertex() : gemini()).url, seen);
  }
});

test("puts the key's project and location into the model, and never into what a user wrote", async () => {
  gateway.upstreams.vertex.reply({ json: {} });
  const body = (place: string): string =>
    `{ "contents": "see projects/None/locations/None and /locations/foo", "model" : "${place}/publishers/google/models/g", "n": 1.0 }`;
  await rawCall(gateway, '/genai_passthrough/v1/projects/None/locations/None/cachedContents', {
    method: 'POST',
    headers: json,
    body: body('projects/None/locations/None'),
  });
  assert.equal(vertex().body.toString(), body('projects/our-project/locations/europe-west4'));
});

test("takes the caller's key out of the query and leaves the rest as it is", async () => {
  gateway.upstreams.gemini.always({ json: answer });
  await rawCall(gateway, '/genai_passthrough/v1beta/models/g:generateContent?alt=json&key=theirs&$fields=a%2Cb', {
    method: 'POST',
    headers: json,
    body: '{}',
  });
  assert.equal(gemini().url, '/v1beta/models/g:generateContent?alt=json&$fields=a%2Cb');
  await rawCall(gateway, '/genai_passthrough/v1beta/models?key=theirs');
  assert.equal(gemini().url, '/v1beta/models');
});

test('answers a call without any path clearly, as clients in Vertex mode without a key send it', async () => {
  for (const path of ['/genai_passthrough', '/genai_passthrough/']) {
    const reply = await rawCall(gateway, path, { method: 'POST', headers: json, body: '{"contents":[]}' });
    assert.equal(reply.status, 400);
    assert.equal(JSON.parse(reply.body.toString()).error.status, 'INVALID_ARGUMENT');
  }
});

test('passes a stream that is a JSON list bit by bit, and reads its usage', async () => {
  gateway.upstreams.gemini.reply({
    chunks: [`[${JSON.stringify({ candidates: [] })}`, `,\n${JSON.stringify(answer)}`, ']'],
    headers: json,
  });
  const ended = gateway.next();
  const reply = await rawCall(gateway, '/genai_passthrough/v1beta/models/g:streamGenerateContent', {
    method: 'POST',
    headers: json,
    body: '{}',
  });
  assert.equal(JSON.parse(reply.body.toString()).length, 2);
  const { exchange, outcome } = await ended;
  assert.equal(exchange.stream, true);
  assert.equal(outcome.usage?.output, 5);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { JsonReply, MaybePromise } from '../../plugin-sdk/index.ts';
import { rawCall } from '../routes/passthrough-gateway.ts';
import { ask, chatGateway, completion, plugin } from './chat-gateway.ts';

const json = { 'content-type': 'application/json' };
const text = JSON.stringify(completion('hello'));

function looking(json: (reply: JsonReply) => MaybePromise<JsonReply | undefined | void>) {
  return plugin('looking', { hooks: { transformResponse: { json: json as never, stream: () => undefined } } });
}

for (const [coding, packed] of [
  ['gzip', gzipSync(text)],
  ['br', brotliCompressSync(text)],
] as const) {
  test(`a plugin sees the JSON of a reply in ${coding}, and the reply keeps its bytes`, async () => {
    const seen: unknown[] = [];
    await using gateway = await chatGateway({ looking: looking((reply) => void seen.push(reply.json, reply.answer)) });
    gateway.upstream.reply({ body: packed, headers: { ...json, 'content-encoding': coding } });
    const reply = await ask(gateway, {});
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('content-encoding'), coding);
    assert.equal(await reply.text(), text);
    assert.deepEqual(seen[0], JSON.parse(text));
    assert.equal(seen.length, 2);
  });
}

test('what a plugin made of a compressed reply is sent as it is', async () => {
  await using gateway = await chatGateway({
    looking: looking((reply) => ({ ...reply, json: { ...reply.json, seen: true } })),
  });
  gateway.upstream.reply({ body: gzipSync(text), headers: { ...json, 'content-encoding': 'gzip' } });
  const reply = await ask(gateway, {});
  assert.equal(reply.headers.get('content-encoding'), null);
  assert.equal(((await reply.json()) as { seen: boolean }).seen, true);
});

for (const [what, body, headers] of [
  ['a list', '[{"a": 1}]', {}],
  ['a compressed list', gzipSync('[1]'), { 'content-encoding': 'gzip' }],
  ['an encoding that nobody knows', '{"a": 1}', { 'content-encoding': 'sdch' }],
  ['broken gzip', gzipSync('{"a": 1}').subarray(0, 12), { 'content-encoding': 'gzip' }],
] as const) {
  test(`a reply of ${what} passes plugins that look at JSON unseen`, async () => {
    const seen: unknown[] = [];
    await using gateway = await chatGateway({ looking: looking((reply) => void seen.push(reply.json)) });
    gateway.upstream.reply({ body, headers: { ...json, ...headers } });
    const raw = await rawCall(gateway, '/v1/chat/completions', {
      method: 'POST',
      headers: json,
      body: '{"model":"gpt","messages":[]}',
    });
    assert.equal(raw.status, 200);
    assert.deepEqual(raw.body, Buffer.from(body));
    assert.deepEqual(seen, []);
  });
}

test('a reply that breaks off in its JSON is the fault of its provider, once a plugin reads it', async () => {
  await using gateway = await chatGateway({ looking: looking((reply) => void reply.json) });
  gateway.upstream.reply({ body: text.slice(0, 50), headers: json });
  const reply = await ask(gateway, {});
  assert.equal(reply.status, 502);
  const { error } = (await reply.json()) as { error: { code: string } };
  assert.equal(error.code, 'upstream_bad_body');
});

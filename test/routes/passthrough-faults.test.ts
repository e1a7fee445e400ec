import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { type SeenRequest, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { certificate } from './certificate.ts';
import { type PassthroughGateway, passthroughGateway, rawCall } from './passthrough-gateway.ts';

const json = { 'content-type': 'application/json' };
const sse = { 'content-type': 'text/event-stream' };
const chat = '/openai_passthrough/v1/chat/completions';
const body = '{"model":"m","messages":[],"stream":true}';
const event = (text: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;

let gateway: PassthroughGateway;

// A gateway for each test: a key that a provider refused rests.
beforeEach(async () => {
  gateway = await passthroughGateway();
});

afterEach(() => gateway?.close());

const openai = () => gateway.upstreams.openai;
const last = (): SeenRequest => openai().requests.at(-1) as SeenRequest;
const post = (path: string, more: object = {}) =>
  rawCall(gateway, path, { method: 'POST', headers: json, body, ...more });

test("passes an error status with the provider's own body and headers, compressed or not JSON at all", async () => {
  const error = '{ "error" : {"message":"slow down",  "n": 1.0} }';
  openai().reply({
    status: 429,
    body: error,
    headers: { ...json, 'retry-after': '7', 'x-ratelimit-remaining-requests': '0' },
  });
  const ended = gateway.next();
  const limited = await post(chat);
  assert.equal(limited.status, 429);
  assert.equal(limited.body.toString(), error);
  assert.equal(limited.headers['retry-after'], '7');
  assert.equal(limited.headers['x-ratelimit-remaining-requests'], '0');
  const { outcome } = await ended;
  assert.equal(outcome.status, 429);
  assert.equal(outcome.error?.message, 'slow down');
});

test('passes an error body that is compressed, or large and no JSON at all', async () => {
  const packed = gzipSync('{"error":{"message":"packed"}}');
  openai().reply({ status: 400, body: packed, headers: { ...json, 'content-encoding': 'gzip' } });
  const zipped = await post(chat);
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.deepEqual(zipped.body, packed);
  const page = `<html>${'x'.repeat(2_000_000)}</html>`;
  openai().reply({ status: 404, body: page, headers: { 'content-type': 'text/html' } });
  const large = await post(chat);
  assert.equal(large.status, 404);
  assert.equal(large.body.toString(), page);
});

test('tries the next key before anything of the answer was shown', async () => {
  await using upstream = await startUpstream();
  let refused: string | undefined;
  upstream.always(({ url, headers: { authorization } }) => {
    // A key that was refused is looked at by way of the model list.
    if (url.endsWith('/models')) return { json: { data: [] } };
    refused ??= authorization;
    return authorization === refused
      ? { status: 401, json: { error: { message: 'bad key' } } }
      : { json: { ok: true } };
  });
  const keys = [
    { name: 'a', value: 'k-a' },
    { name: 'b', value: 'k-b' },
  ];
  await using two = await passthroughGateway({ plugins: { 'providers/openai': upstream.provider({ keys }) } });
  const reply = await rawCall(two, chat, { method: 'POST', headers: json, body });
  assert.equal(reply.status, 200);
  const used = upstream.requests.filter(({ method }) => method === 'POST').map(({ headers }) => headers.authorization);
  assert.deepEqual(used.sort(), ['Bearer k-a', 'Bearer k-b']);
});

test('cuts the connection where the provider cut a body that is no stream of a known format', async () => {
  for (const headers of [{ 'content-type': 'audio/mpeg' }, json, { ...sse, 'content-encoding': 'gzip' }] as Record<
    string,
    string
  >[]) {
    openai().reply({ chunks: ['half of '], headers, fault: 'cut' });
    const ended = gateway.next();
    const reply = await post('/openai_passthrough/v1/audio/speech');
    assert.equal(reply.status, 200);
    assert.equal(reply.body.toString(), 'half of ');
    assert.equal(reply.cut, true, JSON.stringify(headers));
    assert.equal((await ended).outcome.error?.code, 'UP_STREAM_CUT');
  }
});

test('cuts the connection where the provider stopped short of its content-length', async () => {
  openai().reply({
    chunks: ['12345'],
    headers: { 'content-type': 'application/octet-stream', 'content-length': '10' },
    fault: 'cut',
  });
  const reply = await rawCall(gateway, '/openai_passthrough/v1/files/f/content');
  assert.equal(reply.headers['content-length'], '10');
  assert.equal(reply.cut, true);
});

test('ends a stream of a known format that was cut with an error event, and never inside an event', async () => {
  const half = event('never seen').slice(0, 30);
  openai().reply({ chunks: [event('one '), event('two') + half], headers: sse, fault: 'cut' });
  const ended = gateway.next();
  const reply = await post(chat);
  assert.equal(reply.cut, false);
  const text = reply.body.toString();
  assert.ok(text.startsWith(event('one ') + event('two')));
  assert.ok(!text.includes('never'));
  assert.ok(!text.includes('[DONE]'));
  const { error } = JSON.parse(text.slice(text.lastIndexOf('data: ') + 6));
  assert.equal(error.code, 'upstream_stream_cut');
  assert.equal((await ended).outcome.error?.code, 'UP_STREAM_CUT');
});

test('lets the SDKs throw when their stream was cut', async () => {
  const baseURL = `${gateway.url}/openai_passthrough/v1`;
  openai().reply({ chunks: [event('one ')], headers: sse, fault: 'cut' });
  const stream = await new OpenAI({ baseURL, apiKey: 'k', maxRetries: 0 }).chat.completions.create({
    model: 'm',
    messages: [],
    stream: true,
  });
  await assert.rejects(async () => {
    for await (const _ of stream);
  }, OpenAI.APIError);
  gateway.upstreams.anthropic.reply({
    chunks: [
      'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"usage":{"input_tokens":5,"output_tokens":1}}}\n\n',
      'event: ping\nda',
    ],
    headers: sse,
    fault: 'cut',
  });
  const ended = gateway.next();
  const client = new Anthropic({ baseURL: `${gateway.url}/anthropic_passthrough`, apiKey: 'k', maxRetries: 0 });
  const claude = await client.messages.create({ model: 'c', max_tokens: 5, messages: [], stream: true });
  await assert.rejects(async () => {
    for await (const _ of claude);
  }, Anthropic.APIError);
  // What was used until then is on the record.
  assert.equal((await ended).outcome.usage?.input, 5);
});

test('passes an error event of the provider as it is, even as the first', async () => {
  const said = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';
  gateway.upstreams.anthropic.reply({ chunks: [said], headers: sse });
  const reply = await post('/anthropic_passthrough/v1/messages');
  assert.equal(reply.status, 200);
  assert.equal(reply.body.toString(), said);
});

test('puts an error event of the provider on the record of a stream that it carried or passed through', async () => {
  const said = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';
  const begun =
    'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"usage":{"input_tokens":5,"output_tokens":1}}}\n\n';
  const failed = `${event('one')}data: {"error":{"message":"Overloaded","code":503}}\n\n`;
  await using both = await passthroughGateway({ plugins: { 'routes/openai': {} } });
  both.upstreams.anthropic.reply({ chunks: [begun + said], headers: sse });
  both.upstreams.openai.reply({ chunks: [failed], headers: sse }, { chunks: [failed], headers: sse });
  for (const [path, content] of [
    ['/anthropic_passthrough/v1/messages', body],
    [chat, body],
    ['/openai/v1/chat/completions', '{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}'],
  ] as const) {
    const ended = both.next();
    const reply = await rawCall(both, path, { method: 'POST', headers: json, body: content });
    assert.equal(reply.status, 200);
    assert.equal(reply.body.toString().match(/Overloaded/g)?.length, 1, 'the client is told once');
    const { outcome } = await ended;
    assert.equal(outcome.status, 200);
    assert.equal(outcome.error?.code, 'UP_STREAM_ERROR', path);
    assert.equal(outcome.error.message, 'Overloaded');
    assert.deepEqual(
      outcome.attempts.map(({ result, error }) => [result, error?.code]),
      [['failed', 'UP_STREAM_ERROR']],
    );
  }
});

test('answers 502 when the provider refuses the connection or breaks it before it answers, upload or not', async () => {
  const port = await freePort();
  await using lost = await passthroughGateway({
    plugins: { 'providers/openai': { baseUrl: `http://127.0.0.1:${port}`, keys: [{ name: 'a', value: 'k' }] } },
  });
  for (const content of [body, Buffer.alloc(3_000_000)]) {
    const reply = await rawCall(lost, chat, { method: 'POST', headers: json, body: content });
    assert.equal(reply.status, 502);
    assert.equal(JSON.parse(reply.body.toString()).error.code, 'upstream_unreachable');
  }
  openai().reply({ fault: 'reset' });
  const reset = await post(chat);
  assert.equal(reset.status, 502);
  assert.equal(JSON.parse(reset.body.toString()).error.code, 'upstream_reset');
});

test('answers 502 when the certificate of the provider is not to be trusted', async () => {
  const server = createTlsServer(certificate, (_, outgoing) => outgoing.end('secret'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await using wary = await passthroughGateway({
    plugins: { 'providers/openai': { baseUrl: `https://127.0.0.1:${port}`, keys: [{ name: 'a', value: 'k' }] } },
  });
  const reply = await rawCall(wary, chat, { method: 'POST', headers: json, body });
  assert.equal(reply.status, 502);
  assert.match(JSON.parse(reply.body.toString()).error.message, /self-signed certificate/i);
  server.close();
});

test('passes a redirect on instead of following it, back to itself where it leads to the provider', async () => {
  const before = openai().requests.length;
  openai().reply(
    { status: 307, headers: { location: `${openai().url}/v1/files/x?a=1` } },
    { status: 302, headers: { location: 'https://elsewhere.example/signed?x=1' } },
  );
  const inside = await rawCall(gateway, '/openai_passthrough/v1/files/f/content');
  assert.equal(inside.status, 307);
  assert.equal(inside.headers.location, `${gateway.url}/openai_passthrough/v1/files/x?a=1`);
  const outside = await rawCall(gateway, '/openai_passthrough/v1/files/f/content');
  assert.equal(outside.headers.location, 'https://elsewhere.example/signed?x=1');
  assert.equal(openai().requests.length, before + 2);
});

test("refuses a coding beneath the chunks of a body in the provider's format, rather than send it on without its name", async () => {
  const outgoing = httpRequest({
    port: gateway.port,
    path: '/anthropic_passthrough/v1/messages',
    method: 'POST',
    headers: { ...json, 'transfer-encoding': 'gzip, chunked' },
  }).end(gzipSync(body));
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.equal(incoming.statusCode, 501);
  const { type, error } = JSON.parse((await incoming.setEncoding('utf8').toArray()).join(''));
  assert.equal(type, 'error');
  assert.match(error.message, /transfer-encoding gzip, chunked/);
  assert.equal(gateway.upstreams.anthropic.requests.length, 0);
});

test('lets a client wait for 100 Continue before it sends', async () => {
  openai().reply({ json: { ok: true } });
  const outgoing = httpRequest({
    port: gateway.port,
    path: '/openai_passthrough/v1/files',
    method: 'POST',
    headers: { expect: '100-continue', 'content-length': 5 },
  });
  outgoing.flushHeaders();
  await once(outgoing, 'continue');
  outgoing.end('12345');
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  incoming.resume();
  assert.equal(incoming.statusCode, 200);
  assert.equal(last().body.toString(), '12345');
  assert.equal(last().headers.expect, undefined);
});

test('answers HEAD, 204, 304 and empty bodies without one', async () => {
  const rows = [
    ['HEAD', { status: 200, headers: { 'content-length': '1234', etag: '"e"' } }, '1234'],
    ['HEAD', { status: 404, headers: { 'content-length': '99', 'content-type': 'application/json' } }, '99'],
    ['GET', { status: 204, headers: { 'x-a': '1' } }, undefined],
    ['GET', { status: 304, headers: { etag: '"e"' } }, undefined],
    ['GET', { status: 200, headers: { 'content-length': '0', 'content-type': 'application/json' } }, '0'],
    ['DELETE', { status: 200, headers: { 'content-length': '0' } }, '0'],
  ] as const;
  for (const [method, script, length] of rows) {
    openai().reply(script);
    const reply = await rawCall(gateway, '/openai_passthrough/v1/files/f', { method });
    assert.equal(reply.status, script.status);
    assert.equal(reply.headers['content-length'], length, `${method} ${script.status}`);
    assert.equal(reply.body.length, 0);
    assert.equal(reply.cut, false);
  }
});

test('takes chunked uploads of any size and empty bodies', async () => {
  for (const size of [0, 10, 200_000, 3_000_000]) {
    openai().reply({ json: { ok: true } });
    const outgoing = httpRequest({
      port: gateway.port,
      path: '/openai_passthrough/v1/files',
      method: 'POST',
      headers: { 'transfer-encoding': 'chunked' },
    });
    const sent = Buffer.alloc(size, 'a');
    for (let at = 0; at < size; at += 65_000) outgoing.write(sent.subarray(at, at + 65_000));
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    incoming.resume();
    assert.equal(incoming.statusCode, 200, String(size));
    assert.ok(last().body.equals(sent));
  }
});

test('passes trailers', async () => {
  const server = createServer((_, outgoing) => {
    outgoing.writeHead(200, { trailer: 'x-checksum', 'content-type': 'application/octet-stream' });
    outgoing.write('data');
    outgoing.addTrailers({ 'x-checksum': 'abc' });
    outgoing.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await using trailing = await passthroughGateway({
    plugins: { 'providers/openai': { baseUrl: `http://127.0.0.1:${port}`, keys: [{ name: 'a', value: 'k' }] } },
  });
  const reply = await rawCall(trailing, '/openai_passthrough/v1/x');
  assert.equal(reply.body.toString(), 'data');
  assert.equal(reply.trailers['x-checksum'], 'abc');
  server.close();
});

test('sends a compressed request as it is, and knows its model all the same', async () => {
  for (const [coding, compress] of [
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    const packed = compress(Buffer.from(`{"model":"gpt-packed","input":"${'x'.repeat(100)}"}`));
    openai().reply({ json: { ok: true } });
    const ended = gateway.next();
    await post('/openai_passthrough/v1/responses', { headers: { ...json, 'content-encoding': coding }, body: packed });
    assert.deepEqual(last().body, packed);
    assert.equal(last().headers['content-encoding'], coding);
    assert.equal((await ended).exchange.targets[0]?.model, 'gpt-packed');
  }
});

test('passes a body that only calls itself JSON, both ways, with plugins that look at replies too', async () => {
  const { definePlugin } = await import('../../plugin-sdk/index.ts');
  const { z } = await import('zod');
  const seen: unknown[] = [];
  const watcher = definePlugin({
    name: 'watcher',
    options: z.strictObject({}),
    setup: () => ({
      hooks: { transformResponse: { json: (reply) => void seen.push(reply.json), stream: () => undefined } },
    }),
  });
  await using watched = await passthroughGateway({
    definitions: { watcher: watcher as never },
    plugins: { watcher: {} },
  });
  for (const [text, more] of [
    ['[1, 2]', {}],
    ['not json', {}],
    ['', {}],
    ['{"a": 1}', {}],
    [`[${'"x",'.repeat(600_000)}1]`, {}],
  ] as const) {
    watched.upstreams.openai.reply({ chunks: [text], headers: { ...json, ...more } });
    const reply = await rawCall(watched, '/openai_passthrough/v1/x', {
      method: 'POST',
      headers: json,
      body: 'neither',
    });
    assert.equal(reply.status, 200);
    assert.ok(reply.body.toString() === text);
    assert.equal(watched.upstreams.openai.requests.at(-1)?.body.toString(), 'neither');
  }
  assert.deepEqual(seen, [{ a: 1 }]);
});

test('shows the head of a reply whose body takes its time', async () => {
  await using patient = await passthroughGateway({ definitions: { hurry: await hurry() }, plugins: { hurry: {} } });
  patient.upstreams.openai.reply({ chunks: [], headers: sse, fault: 'stall' });
  const outgoing = httpRequest({ port: patient.port, path: chat, method: 'POST', headers: json });
  outgoing.on('error', () => undefined);
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.equal(incoming.statusCode, 200);
  outgoing.destroy();
});

test('stops the call to the provider when the client leaves', async () => {
  openai().reply({ chunks: [event('one')], headers: sse, fault: 'stall' });
  const ended = gateway.next();
  const outgoing = httpRequest({ port: gateway.port, path: chat, method: 'POST', headers: json });
  outgoing.on('error', () => undefined);
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  await once(incoming, 'data');
  const { closed } = last();
  outgoing.destroy();
  await closed;
  assert.equal((await ended).outcome.clientGone, true);
});

test('does not let one slow provider hold up another call', async () => {
  openai().reply({ delayMs: 1_000, json: {} });
  const slow = post(chat);
  gateway.upstreams.anthropic.reply({ json: { type: 'message' } });
  await sleep(20);
  const started = performance.now();
  const quick = await post('/anthropic_passthrough/v1/messages');
  assert.equal(quick.status, 200);
  assert.ok(performance.now() - started < 500);
  await slow;
});

test('does not hang when a client stops in the middle of its upload', async () => {
  const ended = gateway.next();
  openai().reply({ json: {} });
  const socket: Socket = connect(gateway.port, '127.0.0.1');
  socket.write(
    `POST /openai_passthrough/v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 5000000\r\n\r\n${'x'.repeat(200_000)}`,
  );
  await sleep(100);
  socket.destroy();
  const { outcome } = await ended;
  assert.equal(outcome.clientGone, true);
});

async function freePort(): Promise<number> {
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A plugin that waits no time for the first byte. */
async function hurry() {
  const { definePlugin } = await import('../../plugin-sdk/index.ts');
  const { z } = await import('zod');
  return definePlugin({
    name: 'hurry',
    options: z.strictObject({}),
    setup: () => ({
      hooks: {
        preRoute: (exchange) => {
          exchange.policy.holdBack.ms = 50;
        },
      },
    }),
  }) as never;
}

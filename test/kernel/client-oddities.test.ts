import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PassthroughGateway, passthroughGateway } from '../routes/passthrough-gateway.ts';

const chat = '/openai_passthrough/v1/chat/completions';
const question = '{"model":"gpt","messages":[]}';
const post = (headers: string, body = question): string =>
  `POST ${chat} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}\r\n${body}`;

/** Writes raw bytes and gives all that comes back within a quarter of a second. */
async function raw({ port }: PassthroughGateway, bytes: string, halfClose = false): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket.on('error', () => {}).on('data', (chunk) => (text += chunk));
  if (halfClose) socket.end(bytes);
  else socket.write(bytes);
  await sleep(250);
  socket.destroy();
  return text;
}

test('TRACE goes nowhere, since its answer would show what the gateway sent, keys included', async () => {
  await using gateway = await passthroughGateway();
  gateway.upstreams.openai.always(({ rawHeaders }) => ({ body: rawHeaders.join('\n') }));
  const text = await raw(gateway, `TRACE /openai_passthrough/v1/models HTTP/1.1\r\nhost: x\r\n\r\n`);
  assert.match(text, /^HTTP\/1\.1 405 [\s\S]*"code":"method_not_allowed"/);
  assert.doesNotMatch(text, /sk-upstream/);
  assert.equal(gateway.upstreams.openai.requests.length, 0);
});

test('CONNECT is answered like every other request for something that is not here', async () => {
  await using gateway = await passthroughGateway();
  const text = await raw(gateway, 'CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 400 [\s\S]*x-request-id[\s\S]*"code":"invalid_path"/);
});

test('an expectation that nobody knows does not keep a request from being served', async () => {
  await using gateway = await passthroughGateway();
  gateway.upstreams.openai.reply({ json: { ok: true } });
  const text = await raw(gateway, post(`expect: a-miracle\r\ncontent-length: ${question.length}\r\n`));
  assert.match(text, /^HTTP\/1\.1 200 [\s\S]*\{"ok":true\}$/);
  assert.equal(gateway.upstreams.openai.requests[0]!.headers.expect, undefined);
});

test('a client that closes its side counts as gone, as it does with any proxy that watches for it', async () => {
  await using gateway = await passthroughGateway();
  gateway.upstreams.openai.always({ fault: 'silent' });
  const ended = gateway.next();
  const text = await raw(gateway, post(`content-length: ${question.length}\r\n`), true);
  assert.equal(text, '');
  assert.equal((await ended).outcome.clientGone, true);
});

test('garbage behind a request does not land in the answer to it', async () => {
  await using gateway = await passthroughGateway();
  const event = 'data: {"choices":[{"index":0,"delta":{"content":"one"}}]}\n\n';
  gateway.upstreams.openai.reply({
    chunks: [event],
    headers: { 'content-type': 'text/event-stream' },
    fault: 'stall',
  });
  const socket = connect(gateway.port, '127.0.0.1');
  let text = '';
  socket.on('error', () => {}).on('data', (chunk) => (text += chunk));
  socket.write(post(`content-length: ${question.length}\r\n`));
  while (!text.includes('one')) await sleep(5);
  const ended = gateway.next();
  socket.write('\0 no HTTP \r\n\r\n');
  assert.equal((await ended).outcome.clientGone, true);
  await sleep(20);
  assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1, text);
  assert.ok(text.endsWith(`${event}\r\n`), text);
});

const chunked = `${question.length.toString(16)}\r\n${question}\r\n0\r\n\r\n`;
for (const [what, headers, body] of [
  ['two lengths', `content-length: ${question.length}\r\ncontent-length: ${question.length}\r\n`, question],
  ['a list of lengths', `content-length: ${question.length}, ${question.length}\r\n`, question],
  ['a signed length', `content-length: +${question.length}\r\n`, question],
  ['chunks and a length', `transfer-encoding: chunked\r\ncontent-length: 5\r\n`, chunked],
  ['chunks that are not the last coding', 'transfer-encoding: chunked, identity\r\n', chunked],
  ['two transfer codings', 'transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n', chunked],
  ['a coding that only looks like chunks', 'transfer-encoding: xchunked\r\n', chunked],
  ['a space before the colon', 'transfer-encoding : chunked\r\n', chunked],
  ['a chunk without end', 'transfer-encoding: chunked\r\n', 'fffffffffffffffff\r\n'],
] as const) {
  test(`a request with ${what} reaches no upstream`, async () => {
    await using gateway = await passthroughGateway();
    const text = await raw(
      gateway,
      post(headers, `${body}GET /openai_passthrough/v1/smuggled HTTP/1.1\r\nhost: x\r\n\r\n`),
    );
    assert.match(text, /^HTTP\/1\.1 400 [\s\S]*connection: close/i);
    assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1, 'nothing behind it is read as a request');
    assert.equal(gateway.upstreams.openai.requests.length, 0);
  });
}

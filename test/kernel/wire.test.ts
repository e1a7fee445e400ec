import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { openaiChat } from '../../plugin-sdk/dialects/index.ts';
import { definePlugin, type PluginDefinition } from '../../plugin-sdk/index.ts';
import { type ChatGateway, chatGateway, streamed } from './chat-gateway.ts';

const listing = definePlugin({
  name: 'listing',
  options: z.strictObject({}),
  setup: () => ({
    routes: [
      {
        type: 'exchange',
        method: 'GET',
        path: '/v1/things',
        strip: '/v1',
        dialect: openaiChat,
        operation: 'chat',
        defaultProvider: 'up',
      },
    ],
  }),
}) as unknown as PluginDefinition;

const question = (extra: object = {}): string => JSON.stringify({ model: 'gpt', messages: [], ...extra });

function post(body: string, headers = ''): string {
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;
}

/** Writes raw bytes on one connection and gives what comes back within `ms`, and whether the gateway closed it. */
async function exchangeBytes(
  gateway: ChatGateway,
  bytes: string,
  ms = 300,
): Promise<{ text: string; closed: boolean }> {
  const socket = connect(gateway.port, '127.0.0.1');
  let text = '';
  let closed = false;
  socket.on('error', () => {});
  socket.on('data', (chunk) => (text += chunk));
  socket.on('end', () => (closed = true));
  socket.write(bytes);
  await sleep(ms);
  socket.destroy();
  return { text, closed };
}

const statuses = (text: string): string[] => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status!);

test('requests in a pipeline are answered in their order, whichever is ready first', async () => {
  await using gateway = await chatGateway();
  gateway.upstream.always(({ json }) => {
    const { n } = json as { n: number };
    return { delayMs: n === 1 ? 120 : 0, ...(n === 2 ? { events: streamed('two') } : { json: { n } }) };
  });
  const { text, closed } = await exchangeBytes(
    gateway,
    post(question({ n: 1 })) + post(question({ n: 2, stream: true })) + post(question({ n: 3 })),
    600,
  );
  assert.deepEqual(statuses(text), ['200', '200', '200']);
  assert.ok(text.indexOf('{"n":1}') < text.indexOf('two') && text.indexOf('two') < text.indexOf('{"n":3}'), text);
  assert.equal(closed, false);
});

test('a refused body does not cost the connection, unless it was not read', async () => {
  await using gateway = await chatGateway({}, { server: { limits: { bodyBytes: 100 } } });
  const wrong = await exchangeBytes(gateway, post('{"model":1}') + post(question()));
  assert.deepEqual(statuses(wrong.text), ['400', '200']);
  assert.equal(wrong.closed, false);
  const large = await exchangeBytes(gateway, post('x'.repeat(200)) + post(question()));
  assert.deepEqual(statuses(large.text).slice(0, 1), ['413']);
  assert.equal(large.text.match(/HTTP/g)!.length, 1, 'what stands behind an unread body is no request');
  assert.equal(large.closed, true);
});

test('a length beside a chunked body is no HTTP, whichever stands first', async () => {
  await using gateway = await chatGateway();
  const smuggled = `0\r\n\r\n${post(question())}`;
  for (const headers of [
    'transfer-encoding: chunked\r\ncontent-length: 5',
    'content-length: 5\r\ntransfer-encoding: chunked',
    'content-length: 5\r\ncontent-length: 6',
    'transfer-encoding: xchunked',
    'transfer-encoding: gzip',
    'transfer-encoding:',
  ]) {
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}\r\n\r\n`;
    const { text } = await exchangeBytes(gateway, head + smuggled);
    assert.deepEqual(statuses(text), ['400'], headers);
  }
  assert.equal(gateway.upstream.requests.length, 0);
});

test('a body in chunks is read, in any letters, and one with a coding beneath them is refused', async () => {
  await using gateway = await chatGateway();
  const body = question();
  const call = (coding: string): string =>
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${coding}\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const behindAPlainOne = post(body);
  for (const coding of [
    'transfer-encoding: gzip, chunked',
    'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked',
    'transfer-encoding: identity, chunked',
  ]) {
    const { text } = await exchangeBytes(gateway, behindAPlainOne + call(coding));
    assert.deepEqual(statuses(text), ['200', '501'], coding);
    const { error } = JSON.parse(text.slice(text.lastIndexOf('{"error"'))) as { error: Record<string, unknown> };
    assert.equal(error['code'], 'unsupported_transfer_encoding');
    assert.match(String(error['message']), /^The request has transfer-encoding (gzip|identity).*content-encoding\.$/);
    assert.match(text, /^x-should-retry: false\r$/im);
  }
  const plain = gateway.upstream.requests.length;
  const { text } = await exchangeBytes(gateway, call('Transfer-Encoding: Chunked'));
  assert.deepEqual(statuses(text), ['200']);
  assert.equal(plain, 3, 'none of the refused ones went on');
  assert.equal(gateway.upstream.requests.at(-1)!.body.toString(), body);
});

for (const status of [204, 304]) {
  test(`a reply of the upstream with ${status} has no body, and the connection goes on`, async () => {
    await using gateway = await chatGateway();
    gateway.upstream.reply({ status });
    const { text } = await exchangeBytes(gateway, post(question()) + post(question()));
    assert.deepEqual(statuses(text), [String(status), '200']);
    const [first = ''] = text.split('HTTP/1.1 200');
    assert.ok(first.endsWith('\r\n\r\n'), first);
    assert.doesNotMatch(first, /transfer-encoding/i);
    assert.doesNotMatch(first.replaceAll(/content-length: 0/gi, ''), status === 204 ? /content-length/i : /$^/);
  });
}

test('HEAD gets the head of GET without its body', async () => {
  await using gateway = await chatGateway({ listing });
  const call = (method: string): string => `${method} /v1/things HTTP/1.1\r\nhost: x\r\n\r\n`;
  gateway.upstream.always(({ method }) =>
    method === 'HEAD'
      ? { headers: { 'content-type': 'application/json', 'content-length': '12' } }
      : { json: { a: 'bcdef' } },
  );
  const { text } = await exchangeBytes(gateway, call('HEAD') + call('GET'));
  assert.deepEqual(statuses(text), ['200', '200']);
  assert.equal(text.match(/bcdef/g)?.length, 1);
  assert.match(text.split('HTTP/1.1 200')[1]!, /content-length: 12\r\n/i);
});

test('line breaks in what a client names reach neither header nor request line', async () => {
  await using gateway = await chatGateway();
  const model = 'up/gpt\r\nx-evil: 1';
  const { text } = await exchangeBytes(gateway, post(question({ model })));
  assert.deepEqual(statuses(text), ['200']);
  assert.doesNotMatch(text, /^x-evil/m);
  assert.equal(gateway.upstream.requests[0]!.headers['x-evil'], undefined);
});

test('what a client says under x-bf- goes no further, and it cannot set what the sender writes', async () => {
  await using gateway = await chatGateway();
  const headers = [
    'x-bf-vk: vk-1',
    'x-bf-admin-token: t',
    'x-bf-eh-x-mine: yes',
    'x-bf-eh-host: evil',
    'x-bf-eh-authorization: Bearer evil',
    'x-bf-eh-content-length: 1',
    'x-bf-eh-transfer-encoding: chunked',
    'x-bf-eh-x-bf-vk: vk-2',
    'authorization: Bearer caller',
    'x-api-key: caller',
    'cookie: bifrost_admin=t',
  ];
  await exchangeBytes(gateway, post(question(), `${headers.join('\r\n')}\r\n`));
  const seen = gateway.upstream.requests[0]!;
  assert.equal(seen.headers['x-mine'], 'yes');
  assert.equal(seen.headers.authorization, 'Bearer sk-upstream');
  assert.equal(seen.headers.host, `127.0.0.1:${gateway.upstream.port}`);
  assert.equal(seen.headers['content-length'], String(question().length));
  for (const name of Object.keys(seen.headers))
    assert.doesNotMatch(name, /^x-bf-|^cookie$|^x-api-key$|^transfer-encoding$/);
});

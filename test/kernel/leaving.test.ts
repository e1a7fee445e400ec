import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Outcome } from '../../plugin-sdk/index.ts';
import { type ChatGateway, chatGateway, chunk, plugin } from './chat-gateway.ts';

const outcomes: Outcome[] = [];
const watcher = plugin('watcher', { hooks: { postLog: (_exchange, outcome) => void outcomes.push(outcome) } });
const question = JSON.stringify({ model: 'gpt', stream: true, messages: [{ role: 'user', content: 'hi' }] });

async function settled(gateway: ChatGateway, count: number): Promise<void> {
  for (let i = 0; i < 100 && (gateway.gateway.current.open > 0 || outcomes.length < count); i++) await sleep(10);
  assert.equal(gateway.gateway.current.open, 0, 'every exchange is settled');
  assert.equal(outcomes.length, count, 'every exchange is on the record, once');
}

async function watched(): Promise<ChatGateway> {
  outcomes.length = 0;
  return chatGateway({ watcher });
}

test('a client that leaves while its body is decompressed is not served', async () => {
  await using gateway = await watched();
  gateway.upstream.always({ events: Array(200).fill(chunk({ content: 'x'.repeat(2_000) })), fault: 'stall' });
  const big = gzipSync(
    JSON.stringify({ model: 'gpt', stream: true, messages: [{ role: 'user', content: 'x'.repeat(60_000_000) }] }),
  );
  const client = httpRequest(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', 'content-length': big.length },
  });
  client.on('error', () => {});
  client.end(big, () => setImmediate(() => client.destroy()));
  await sleep(300);
  await settled(gateway, 1);
  assert.equal(outcomes[0]!.clientGone, true);
});

test('a client that leaves with two requests in the pipeline leaves both', async () => {
  await using gateway = await watched();
  gateway.upstream.always({ events: Array(200).fill(chunk({ content: 'x'.repeat(2_000) })), fault: 'stall' });
  const socket = connect(gateway.port, '127.0.0.1');
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${question.length}\r\n\r\n`;
  socket.write(head + question + head + question);
  socket.once('data', () => {});
  await sleep(200);
  socket.destroy();
  await settled(gateway, 2);
  await sleep(50);
});

test('a client that leaves in its body is on the record', async () => {
  await using gateway = await watched();
  const client = httpRequest(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'content-length': 1_000 },
  });
  client.on('error', () => {});
  client.write('{"model":');
  await sleep(50);
  client.destroy();
  await settled(gateway, 1);
  assert.equal(outcomes[0]!.status, 499);
  assert.equal(outcomes[0]!.clientGone, true);
});

test('a request that is refused before any hook is on the record', async () => {
  await using gateway = await watched();
  const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"model": 1}',
  });
  assert.equal(reply.status, 400);
  await settled(gateway, 1);
  assert.equal(outcomes[0]!.status, 400);
  assert.equal(outcomes[0]!.origin, 'gateway');
  assert.equal(outcomes[0]!.clientGone, false);
});

test('an embedding program that gives up its request ends the exchange and its own wait', async () => {
  await using gateway = await watched();
  gateway.upstream.always({ fault: 'silent' });
  const stop = new AbortController();
  const waiting = gateway.gateway.fetch(
    new Request('http://gateway/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: question,
      signal: stop.signal,
    }),
  );
  await sleep(50);
  stop.abort();
  await assert.rejects(Promise.race([waiting, sleep(1_000)]));
  await settled(gateway, 1);
  assert.equal(outcomes[0]!.clientGone, true);
});

test('a plugin that asks to be told of a client that has left already is told', async () => {
  outcomes.length = 0;
  let told = 0;
  const late = plugin('late', {
    hooks: {
      preRoute: async (exchange) => {
        await sleep(100);
        assert.equal(exchange.clientGone, true);
        await new Promise<void>((resolve) => exchange.onClientGone(resolve));
        told += 1;
        return undefined;
      },
    },
  });
  await using gateway = await chatGateway({ watcher, late });
  const stop = new AbortController();
  const waiting = fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: question,
    signal: stop.signal,
  });
  await sleep(40);
  stop.abort();
  await assert.rejects(waiting);
  await settled(gateway, 1);
  assert.equal(told, 1);
  assert.equal(gateway.upstream.requests.length, 0);
});

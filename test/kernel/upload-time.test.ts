import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PassthroughGateway, passthroughGateway } from '../routes/passthrough-gateway.ts';
import { rawUpstream } from './raw-upstream.ts';

const plugins = { 'plugins/timeouts': { firstContentMs: 250 } };

/** Sends a body in pieces, so many milliseconds apart; gives the status and how long after the last piece it came. */
async function upload(gateway: PassthroughGateway, pieces: readonly Buffer[], apartMs: number, declared?: number) {
  const length = declared ?? pieces.reduce((sum, piece) => sum + piece.length, 0);
  const outgoing = httpRequest({
    port: gateway.port,
    path: '/openai_passthrough/v1/files',
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/octet-stream', 'content-length': length },
  });
  outgoing.on('error', () => {});
  const answered = new Promise<IncomingMessage>((resolve) => outgoing.on('response', resolve));
  const started = performance.now();
  for (const piece of pieces) {
    outgoing.write(piece);
    await sleep(apartMs);
  }
  const sent = performance.now();
  if (declared === undefined) outgoing.end();
  const incoming = await answered;
  let text = '';
  incoming.on('error', () => {});
  for await (const chunk of incoming) text += chunk;
  outgoing.destroy();
  const now = performance.now();
  return { status: incoming.statusCode, text, afterMs: now - sent, inAllMs: now - started };
}

const piece = Buffer.alloc(300_000);

test('an upload may take longer than the first content, as long as bytes flow', async () => {
  await using gateway = await passthroughGateway({ plugins });
  gateway.upstreams.openai.reply({ json: { ok: true }, delayMs: 100 });
  const reply = await upload(gateway, Array(8).fill(piece), 100);
  assert.equal(reply.status, 200, reply.text);
  assert.ok(reply.inAllMs > 800);
});

test('the time for the first content begins behind an upload', async () => {
  await using gateway = await passthroughGateway({ plugins });
  gateway.upstreams.openai.reply({ fault: 'silent' });
  const reply = await upload(gateway, Array(4).fill(piece), 100);
  assert.equal(reply.status, 504, reply.text);
  assert.match(reply.text, /sent no content within 250 ms/);
  assert.ok(reply.afterMs < 450, `${reply.afterMs} ms`);
});

test('a provider that stops reading an upload runs out of time', async () => {
  await using upstream = await rawUpstream(({ socket }) => void socket.pause());
  await using gateway = await passthroughGateway({
    plugins: { ...plugins, 'providers/openai': upstream.provider() },
  });
  const reply = await upload(gateway, Array(60).fill(piece), 0);
  assert.equal(reply.status, 504, reply.text);
});

test('a client that falls silent in its upload is told so, and its provider is not blamed', async () => {
  await using gateway = await passthroughGateway({
    plugins,
    server: { limits: { bodyTimeoutMs: 100 } },
  } as never);
  const reply = await upload(gateway, [piece], 0, 3_000_000);
  assert.equal(reply.status, 408, reply.text);
  assert.match(reply.text, /request_timeout/);
  gateway.upstreams.openai.reply({ json: { ok: true } });
  assert.equal((await upload(gateway, Array(4).fill(piece), 60)).status, 200);
});

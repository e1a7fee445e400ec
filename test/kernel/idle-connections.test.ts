import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startGateway } from '../../plugin-sdk/testing/index.ts';
import { ask, type ChatGateway, chatGateway, completion } from './chat-gateway.ts';
import { jsonAnswer, type RawSeen, type RawUpstream, rawUpstream } from './raw-upstream.ts';

const answer = jsonAnswer(completion('hello'));

async function behind(upstream: RawUpstream): Promise<ChatGateway> {
  return chatGateway({}, { plugins: { up: { use: 'chat-provider', ...upstream.provider() } } });
}

async function statusOf(gateway: ChatGateway, more: object = {}): Promise<number> {
  const reply = await ask(gateway, more);
  await reply.arrayBuffer();
  return reply.status;
}

test('an upstream that closes idle connections at random is never noticed', async () => {
  await using upstream = await rawUpstream(({ socket }) => {
    socket.write(answer);
    const end = (): void => {
      if (socket.writableEnded || socket.destroyed) return;
      if (Math.random() < 0.5) socket.end();
      else socket.resetAndDestroy();
    };
    setTimeout(end, Math.random() * 4);
  });
  await using gateway = await behind(upstream);
  const caller = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) {
      assert.equal(await statusOf(gateway), 200);
      await sleep(Math.random() * 4);
    }
  };
  await Promise.all(Array.from({ length: 8 }, caller));
  assert.ok(upstream.connections > 10, 'connections were closed');
});

test('an idle connection does not keep a process alive', async () => {
  await using upstream = await rawUpstream(({ socket }) => void socket.write(answer));
  const { href } = new URL('../../kernel/upstream/', import.meta.url);
  const request = {
    provider: 'p',
    origin: upstream.url,
    method: 'GET',
    path: '/',
    headers: [],
    privateAddresses: true,
  };
  const program = `
    import { Connections } from '${href}connections.ts';
    import { send } from '${href}send.ts';
    const connections = new Connections();
    for (let i = 0; i < 2; i++) {
      const reply = await send(${JSON.stringify(request)}, connections, 1_000);
      await new Promise((end, fail) => reply.start({ push: () => true, end, fail }));
    }
    process.stdout.write('done');`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { timeout: 10_000 });
  assert.equal(stdout, 'done');
  assert.equal(upstream.connections, 1);
});

/** What becomes of a call on a connection that is open already. */
const closings: Record<string, (seen: RawSeen) => void> = {
  'ends it': ({ socket }) => socket.end(),
  'closes it': ({ socket }) => socket.destroy(),
  'resets it': ({ socket }) => socket.resetAndDestroy(),
};

for (const [how, close] of Object.entries(closings)) {
  test(`a call on a kept-alive connection whose upstream ${how} without a byte is made once more, at once`, async () => {
    await using upstream = await rawUpstream((seen) => {
      if (seen.earlier > 0) close(seen);
      else seen.socket.write(answer);
    });
    await using gateway = await behind(upstream);
    for (let i = 0; i < 5; i++) assert.equal(await statusOf(gateway), 200);
    assert.ok(upstream.heads.length > 5, 'some calls were made twice');
  });
}

test('a large call on a kept-alive connection that closes without a byte is made once more, whole', async () => {
  const lengths = new Set<string | undefined>();
  await using upstream = await rawUpstream(async ({ socket, head, earlier, whole }) => {
    if (earlier > 0) return socket.destroy();
    await whole;
    lengths.add(/content-length: (\d+)/i.exec(head)?.[1]);
    socket.write(answer);
  });
  await using gateway = await behind(upstream);
  for (let i = 0; i < 5; i++) assert.equal(await statusOf(gateway, { user: 'x'.repeat(300_000) }), 200);
  assert.ok(upstream.heads.length > 5, 'some calls were made twice');
  assert.equal(lengths.size, 1);
});

test('an upload, which cannot be sent twice, does not meet a kept-alive connection that closes', async () => {
  await using upstream = await rawUpstream(async ({ socket, earlier, whole }) => {
    if (earlier > 0) return socket.destroy();
    await whole;
    socket.write(answer);
  });
  const plugins = { 'routes/openai-passthrough': {}, 'providers/openai': upstream.provider() };
  await using gateway = await startGateway({ plugins, server: { limits: { bufferBytes: 1_000 } } });
  for (let i = 0; i < 3; i++) {
    const reply = await fetch(`${gateway.url}/openai_passthrough/v1/files`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: Buffer.alloc(300_000, 'x'),
    });
    assert.equal(reply.status, 200, await reply.text());
  }
});

test('a call that fails on a fresh connection too is not made a third time', async () => {
  await using upstream = await rawUpstream(({ socket }) => {
    if (upstream.heads.length === 1) socket.write(answer);
    else socket.resetAndDestroy();
  });
  await using gateway = await behind(upstream);
  assert.equal(await statusOf(gateway), 200);
  assert.equal(await statusOf(gateway), 502);
  assert.equal(upstream.heads.length, 3);
});

for (const [what, bytes] of [
  ['half a head', 'HTTP/1.1 200 OK\r\ncontent-ty'],
  ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
] as const) {
  test(`a call that was answered with ${what} is not made again by itself`, async () => {
    await using upstream = await rawUpstream(({ socket, earlier }) => {
      if (earlier === 0) socket.write(answer);
      else socket.end(bytes);
    });
    await using gateway = await behind(upstream);
    assert.equal(await statusOf(gateway), 200);
    assert.equal(await statusOf(gateway), 502);
    assert.equal(upstream.heads.length, 2);
  });
}

test('a call that its upstream had begun to work on is not made again by itself', async () => {
  await using upstream = await rawUpstream(({ socket, earlier }) => {
    if (earlier === 0) socket.write(answer);
    else setTimeout(() => socket.resetAndDestroy(), 1_200);
  });
  await using gateway = await behind(upstream);
  assert.equal(await statusOf(gateway), 200);
  assert.equal(await statusOf(gateway), 502);
  assert.equal(upstream.heads.length, 2);
});

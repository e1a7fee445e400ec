import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startUpstream } from '../../plugin-sdk/testing/index.ts';
import { startBinary } from '../kernel/started-binary.ts';
import { openCache } from './cache-entries.ts';
import { completion } from './record-gateway.ts';

const childFile = join(import.meta.dirname, 'cache-child.ts');

/** A gateway of two processes in front of this upstream, with connections of its own to each request. */
async function startWorkers(t: TestContext, baseUrl: string) {
  const plugins = {
    'routes/openai': {},
    'providers/openai': { baseUrl, keys: [{ name: 'main', value: 'sk-upstream' }] },
    'plugins/cache': {},
  };
  const binary = startBinary(t, { config: { server: { workers: 2 }, plugins } });
  await binary.untilSaid('"listening"');
  return { url: binary.url() };
}

interface Asked {
  readonly status: number | undefined;
  readonly cache: string | undefined;
}

function ask(url: string, agent: Agent, body: object): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-caller' };
    const outgoing = request(`${url}/openai/v1/chat/completions`, { method: 'POST', agent, headers }, (reply) => {
      reply.resume().on('end', () => {
        resolve({ status: reply.statusCode, cache: reply.headers['x-bf-cache'] as string | undefined });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }], ...body }));
  });
}

test('makes one call of 200 identical requests in flight at two workers, however it ends', async (t) => {
  await using upstream = await startUpstream();
  upstream.always(async ({ json }) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { seed } = json as { seed: number };
    return seed === 99 ? { status: 400, json: { error: { message: 'no' } } } : { json: completion };
  });
  const { url } = await startWorkers(t, upstream.url);
  const agent = new Agent({ keepAlive: false });
  const together = (seed: number, count: number) =>
    Promise.all(Array.from({ length: count }, () => ask(url, agent, { seed })));
  // Both must be up, or there is nothing to see.
  await Promise.all(Array.from({ length: 20 }, (_, i) => ask(url, agent, { seed: 1_000 + i })));
  for (const seed of [1, 2, 3]) {
    const before = upstream.requests.length;
    const replies = await together(seed, 200);
    assert.ok(replies.every(({ status }) => status === 200));
    assert.equal(upstream.requests.length - before, 1, 'one call');
    assert.equal(replies.filter(({ cache }) => cache === 'hit').length, 199);
  }
  const failed = await together(99, 20);
  assert.ok(
    failed.every(({ status }) => status === 400),
    'a failure is shared with nobody, and keeps nobody waiting',
  );
});

test('a claim holds for other processes until it is taken back, its time is over or its process is dead', async (t) => {
  const { dataDir, store, clock } = openCache(t);
  const claimed = async (keys: string, forMs: number) => {
    const child = spawn(process.execPath, [childFile, dataDir, keys, String(forMs), String(clock.now())], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    return child;
  };
  const kill = async (child: ReturnType<typeof spawn>) => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const holder = await claimed('a', 60_000);
  assert.equal(store.isClaimed('scope', 'a'), true);
  assert.equal(await store.claim('scope', 'a', 1_000), false);
  assert.equal(await store.claim('scope', 'b', 1_000), true);
  assert.equal(store.isClaimed('scope', 'b'), false, "one's own claim holds up nobody here");
  await store.release('scope', 'a');
  assert.equal(store.isClaimed('scope', 'a'), true, 'what another one holds is not to be taken back');
  await kill(holder);
  assert.equal(store.isClaimed('scope', 'a'), false);
  assert.equal(await store.claim('scope', 'a', 1_000), true);

  const slow = await claimed('c', 500);
  assert.equal(store.isClaimed('scope', 'c'), true);
  clock.advance(500);
  assert.equal(store.isClaimed('scope', 'c'), false);
  await kill(slow);
});

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { definePlugin, type Outcome } from '../../plugin-sdk/index.ts';
import { FakeClock, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { call, quota, startGoverned, used } from './governed-gateway.ts';

const value = 'sk-bf-key-of-a-single-place-01';
const vk = { 'x-bf-vk': value };
const withKey = (limits: object) => ({ virtualKeys: [{ id: 'one', name: 'One', value, ...limits }] });

test('a client that leaves while its call waits for a place ends it at once, and holds nothing', async () => {
  const clock = new FakeClock();
  const outcomes: Outcome[] = [];
  const watcher = definePlugin({
    name: 'test/watcher',
    options: z.strictObject({}),
    setup: () => ({ hooks: { postLog: (_, outcome) => void outcomes.push(outcome) } }),
  });
  await using upstream = await startUpstream();
  const { promise: after, resolve: release } = Promise.withResolvers<void>();
  upstream.always({ ...used(1, 1), after });
  await using gateway = await startGoverned(upstream, {
    governance: withKey({ concurrency: 1 }),
    clock,
    definitions: { 'test/watcher': watcher },
    plugins: { 'test/watcher': {} } as never,
  });
  const explained = { ...vk, 'x-bf-explain': 'true', 'x-bf-admin-token': gateway.adminToken };
  const first = call(gateway, explained);
  while (upstream.requests.length === 0) await sleep(5);
  const leaving = request(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...explained },
  });
  leaving.on('error', () => {});
  leaving.end(JSON.stringify({ model: 'priced', messages: [{ role: 'user', content: 'hi' }] }));
  await sleep(200);
  assert.equal(outcomes.length, 0, 'it waits');
  leaving.destroy();
  for (let i = 0; i < 200 && outcomes.length === 0; i++) await sleep(10);
  assert.deepEqual(
    outcomes.map(({ clientGone, attempts }) => [clientGone, attempts.length]),
    [[true, 0]],
  );
  release();
  assert.equal((await first).status, 200);
  clock.advance(100);
  await sleep(20);
  const reserved = outcomes.flatMap(({ decisions }) => decisions).filter(({ what }) => what === 'reserved');
  assert.equal(reserved.length, 1, 'only the first call took a place');
  assert.equal((await quota(gateway, value)).accounts[0]!.reserved, 0);
  assert.equal((await call(gateway, vk)).status, 200);
});

test('only a call that found no place waits: what is used up is refused at once', async () => {
  await using upstream = await startUpstream();
  upstream.always(used(1, 1));
  await using gateway = await startGoverned(upstream, {
    governance: withKey({ concurrency: 1, rateLimits: [{ requests: 1, period: '1h' }] }),
    clock: new FakeClock(),
  });
  assert.equal((await call(gateway, vk)).status, 200);
  await sleep(20);
  const refused = await call(gateway, vk);
  assert.equal(refused.status, 429);
  assert.equal(refused.json.error.type, 'request_limited');
});

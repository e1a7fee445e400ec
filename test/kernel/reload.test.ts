import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { definePlugin } from '../../plugin-sdk/index.ts';
import { ask, chatGateway, plugin, streamed } from './chat-gateway.ts';

/** Seconds of reloads under load; `RELOAD_SECONDS=30` for the long run. */
const seconds = Number(process.env['RELOAD_SECONDS'] ?? 3);

test('a reload every 100 ms under load fails no request and leaks no generation', async () => {
  let up = 0;
  const counting = definePlugin({
    name: 'counting',
    options: z.strictObject({}),
    setup: () => {
      up += 1;
      return { teardown: () => void (up -= 1) };
    },
  }) as never;
  await using gateway = await chatGateway({ counting });
  gateway.upstream.always((seen) =>
    (seen.json as { stream?: boolean }).stream ? { events: streamed('a', 'b', 'c') } : { json: { ok: true } },
  );
  await (await ask(gateway, {})).text();
  globalThis.gc?.();
  const before = { heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length };
  const end = performance.now() + seconds * 1_000;
  const generations = new Set<string>();
  let requests = 0;
  const load = async (stream: boolean): Promise<void> => {
    while (performance.now() < end) {
      const reply = await ask(gateway, { stream });
      const text = await reply.text();
      assert.equal(reply.status, 200, text);
      if (stream) assert.match(text, /\[DONE\]/);
      generations.add(reply.headers.get('x-bf-config') ?? '');
      requests += 1;
    }
  };
  let reloads = 0;
  const reloading = async (): Promise<void> => {
    while (performance.now() < end) {
      await gateway.reload({});
      reloads += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await Promise.all([reloading(), load(false), load(false), load(true), load(true)]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log(`${reloads} reloads, ${requests} requests, ${generations.size} generations served`);
  assert.ok(generations.size > 5);
  assert.equal(gateway.gateway.generations.size, 1);
  assert.equal(up, 1);
  // What the upstream remembers of the requests is the test's own.
  (gateway.upstream.requests as unknown[]).length = 0;
  globalThis.gc?.();
  const heap = (process.memoryUsage().heapUsed - before.heap) / 1_048_576;
  const handles = process.getActiveResourcesInfo().length - before.handles;
  console.log(`after it: heap ${heap.toFixed(1)} MB more, ${handles} handles more`);
  assert.ok(heap < 30, `heap grew by ${heap} MB`);
  // The four clients' connections on both sides of the gateway stay open.
  assert.ok(handles <= 24, `${handles} handles more`);
});

test('an open stream finishes on the generation it started on', async () => {
  const marker = (name: string) =>
    plugin(name, { hooks: { preRoute: (exchange) => exchange.setReplyHeader('x-marker', name) } });
  await using gateway = await chatGateway({ old: marker('old') });
  gateway.upstream.always({ events: streamed('a', 'b', 'c', 'd'), chunkDelayMs: 60 });
  const reply = await ask(gateway, { stream: true });
  const before = reply.headers.get('x-bf-config');
  await gateway.reload({});
  const text = await reply.text();
  assert.match(text, /"a"[\s\S]*"d"[\s\S]*\[DONE\]/);
  const after = (await ask(gateway, {})).headers.get('x-bf-config');
  assert.notEqual(after, before);
});

test('a bad config changes nothing and says why', async () => {
  await using gateway = await chatGateway();
  const before = gateway.gateway.current.id;
  await assert.rejects(gateway.reload({ plugins: { 'routes/opnai': {} } }), {
    code: 'CFG_INVALID',
    message: /routes\/opnai.*did you mean routes\/openai/is,
  });
  assert.equal(gateway.gateway.current.id, before);
  assert.equal((await ask(gateway, {})).status, 200);
});

test('closing lets open streams finish, and then frees everything', async () => {
  const gateway = await chatGateway();
  gateway.upstream.always({ events: streamed('a', 'b', 'c'), chunkDelayMs: 80 });
  const reply = await ask(gateway, { stream: true });
  const closing = gateway.gateway.close(5_000);
  assert.equal((await fetch(`${gateway.url}/ready`)).status, 503);
  assert.equal((await fetch(`${gateway.url}/health`)).status, 200);
  assert.match(await reply.text(), /\[DONE\]/);
  await closing;
  assert.equal(gateway.gateway.generations.size, 0);
  await gateway.close();
});

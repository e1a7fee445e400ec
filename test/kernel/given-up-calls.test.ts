import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Runtime } from '../../kernel/execute/context.ts';
import { MediaFetcher } from '../../kernel/execute/fetch-media.ts';
import { Pool } from '../../kernel/upstream/connections.ts';
import { type Flow, GatewayError } from '../../plugin-sdk/index.ts';
import { startUpstream } from '../../plugin-sdk/testing/index.ts';
import { providerGateway } from '../providers/provider-gateway.ts';
import { ask, chatGateway, plugin } from './chat-gateway.ts';

for (const failure of [{ status: 400, json: { message: 'Too long.' } }, { fault: 'reset' }] as const) {
  test(`one failed call of a batch ends its other calls (${failure.status ?? failure.fault})`, async () => {
    await using gateway = await providerGateway('providers/bedrock', ({ url }) => ({
      baseUrl: url,
      keys: [{ name: 'main', value: 'key' }],
    }));
    const { upstream } = gateway;
    upstream.always(({ json }) =>
      (json as { inputText: string }).inputText === 'bad' ? { ...failure, delayMs: 50 } : { fault: 'silent' },
    );
    const embedded = gateway.client.embeddings.create({
      model: 'bedrock/amazon.titan-embed-text-v2:0',
      input: ['a', 'bad', 'c'],
    });
    await Promise.race([
      assert.rejects(embedded, { status: failure.status ?? 502 }),
      sleep(2_000).then(() => assert.fail('the caller waits')),
    ]);
    const others = upstream.requests.filter((request) => (request.json as { inputText: string }).inputText !== 'bad');
    assert.equal(others.length, 2);
    await Promise.race([
      Promise.all(others.map(({ closed }) => closed)),
      sleep(500).then(() => assert.fail('a call still runs')),
    ]);
  });
}

test('a stream that a plugin gives after the client has left is stopped', async () => {
  const aborted: Error[] = [];
  const flow: Flow<Buffer> = { start: () => {}, resume: () => {}, abort: (reason) => void aborted.push(reason) };
  const slow = plugin('slow', {
    hooks: {
      execute: async () => {
        await sleep(150);
        return {
          origin: 'gateway',
          status: 200,
          headers: ['content-type', 'text/event-stream'],
          body: { type: 'flow', flow, events: true },
        };
      },
    },
  });
  await using gateway = await chatGateway({ slow });
  const leaving = new AbortController();
  const asked = ask(gateway, { stream: true }, {}, leaving.signal);
  await sleep(50);
  leaving.abort();
  await assert.rejects(asked);
  await sleep(200);
  assert.equal(aborted.length, 1);
  assert.equal((aborted[0] as GatewayError).code, 'CLIENT_GONE');
});

test('media that is fetched for a client who leaves is fetched no further', async () => {
  await using upstream = await startUpstream();
  const pool = new Pool({ origin: upstream.url, privateAddresses: true, connectMs: 1_000 });
  const runtime = { connections: { to: () => pool } } as unknown as Runtime;
  const listeners = new Set<(reason: GatewayError) => void>();
  const exchange = {
    stopped: undefined as GatewayError | undefined,
    onStop(listener: (reason: GatewayError) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  for (const script of [{ fault: 'silent' }, { chunks: ['half'], fault: 'stall' }] as const) {
    upstream.reply(script);
    const fetching = new MediaFetcher(runtime, exchange).fetch('https://images.example/cat.png', 'messages[0]');
    await sleep(50);
    exchange.stopped = new GatewayError('CLIENT_GONE', {});
    for (const listener of listeners) listener(exchange.stopped);
    await assert.rejects(fetching, { code: 'CLIENT_GONE' });
    await upstream.requests.at(-1)!.closed;
    assert.equal(listeners.size, 0, 'no listener is left');
    exchange.stopped = undefined;
  }
  const sent = upstream.requests.length;
  exchange.stopped = new GatewayError('CLIENT_GONE', {});
  const late = new MediaFetcher(runtime, exchange).fetch('https://images.example/cat.png', 'messages[0]');
  await assert.rejects(late, { code: 'CLIENT_GONE' });
  assert.equal(upstream.requests.length, sent, 'nothing more is fetched');
  await pool.destroy();
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Outcome } from '../../plugin-sdk/index.ts';
import { passthroughGateway } from '../routes/passthrough-gateway.ts';
import { startSocketUpstream } from '../routes/socket-upstream.ts';
import { ask, chatGateway, plugin, streamed } from './chat-gateway.ts';

/** What is still open when the time to drain is over. */

function watching() {
  const outcomes: Outcome[] = [];
  let isDown = false;
  const watcher = plugin('watcher', {
    hooks: {
      postLog(_, outcome) {
        assert.equal(isDown, false, 'the plugin is still there');
        outcomes.push(outcome);
      },
    },
    teardown() {
      isDown = true;
    },
  });
  return { outcomes, watcher };
}

test('a stream that outlasts the drain ends with the reason, and is observed before the plugins go', async () => {
  const { outcomes, watcher } = watching();
  await using gateway = await chatGateway({ watcher });
  gateway.upstream.always({ events: streamed('hello').slice(0, 2), fault: 'stall' });
  const reply = await ask(gateway, { stream: true });
  const text = reply.text();
  await gateway.gateway.close(50);
  assert.match(await text, /hello.*The gateway is shutting down.*"code":"draining"/s);
  assert.deepEqual(
    outcomes.map(({ status, error }) => [status, error?.code]),
    [[200, 'GUARD_DRAINING']],
  );
});

test('a call that waits for its provider when the drain is over is refused with 503 and observed', async () => {
  const { outcomes, watcher } = watching();
  await using gateway = await chatGateway({ watcher });
  gateway.upstream.always({ fault: 'silent' });
  const asked = ask(gateway, {});
  while (gateway.upstream.requests.length === 0) await new Promise((done) => setTimeout(done, 5));
  await gateway.gateway.close(50);
  const reply = await asked;
  assert.equal(reply.status, 503);
  assert.match(await reply.text(), /"code":"draining"/);
  assert.deepEqual(
    outcomes.map(({ status, error }) => [status, error?.code]),
    [[503, 'GUARD_DRAINING']],
  );
});

test('a realtime session that outlasts the drain is observed', async () => {
  await using upstream = await startSocketUpstream();
  const keys = [{ name: 'main', value: 'sk-upstream' }];
  const gateway = await passthroughGateway({ plugins: { 'providers/openai': { baseUrl: upstream.url, keys } } });
  const ended = gateway.next();
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/openai_passthrough/v1/realtime?model=gpt-realtime`);
  await once(socket, 'open');
  const closed = once(socket, 'close');
  await gateway.gateway.close(50);
  const { outcome } = await ended;
  assert.equal(outcome.status, 101);
  await closed;
  await gateway.close();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pool } from '../../kernel/upstream/connections.ts';
import { UpstreamCall } from '../../kernel/upstream/upstream-call.ts';
import type { UpstreamReply } from '../../kernel/upstream/upstream-reply.ts';
import { ask, chatGateway, chunk, done, plugin } from './chat-gateway.ts';

test('a stream whose transform drops events goes on once its client has drained', async () => {
  const dropping = plugin('dropping', {
    hooks: {
      transformResponse: {
        json: () => undefined,
        stream: () => ({
          event(event, emit) {
            if (event.type !== 'text' || !event.text.startsWith('-')) emit(event);
          },
        }),
      },
    },
  });
  await using gateway = await chatGateway({ dropping });
  const loud = chunk({ content: 'x'.repeat(200_000) });
  const quiet = chunk({ content: '-' });
  const events = [loud, quiet, chunk({ content: 'last' }), chunk({}, 'stop'), done];
  gateway.upstream.reply({ events, chunkDelayMs: 30 });
  const reply = await ask(gateway, { stream: true }, {}, AbortSignal.timeout(2_000));
  assert.match(await reply.text(), /last.*\[DONE\]\n\n$/s);
});

test('a body that came before anyone read it flows on once someone does', async () => {
  let paused = false;
  const connection = {
    send: () => {},
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
  };
  const pool = { take: () => connection } as unknown as Pool;
  const reply = await new Promise<UpstreamReply>((resolve, reject) => {
    const call = new UpstreamCall('p', resolve, reject, undefined);
    call.begin({ method: 'GET', head: '', body: undefined, streamBytes: undefined }, pool);
    call.onHead({ status: 200, headers: [], body: 'chunked', keptMs: 0 });
    call.onData(Buffer.alloc(100_000));
  });
  assert.equal(paused, true);
  reply.start({ push: () => true, end: () => {}, fail: () => {} });
  assert.equal(paused, false);
});

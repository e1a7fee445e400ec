import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUpstream } from '../../plugin-sdk/testing/index.ts';
import { chat, doneEvent, finishEvent, roleEvent, said, startPooled, textEvent } from './pooled-gateway.ts';

test('the first content of a stream must come in time; keep-alives do not count', async () => {
  await using upstream = await startUpstream();
  upstream.always({ events: Array(100).fill(': keep-alive\n\n'), chunkDelayMs: 20 });
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/timeouts': { firstContentMs: 150 } });
  const started = performance.now();
  const reply = await chat(gateway, { stream: true });
  assert.equal(reply.status, 504);
  assert.match(reply.json.error.message, /openai sent no content within 150 ms/);
  assert.ok(performance.now() - started < 500);
});

test('a plain reply must come in time', async () => {
  await using upstream = await startUpstream();
  upstream.always({ ...said(), delayMs: 400 });
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/timeouts': { firstContentMs: 100 } });
  assert.equal((await chat(gateway)).status, 504);
  await upstream.requests[0]!.closed;
});

test('events must follow each other in time once there is content', async () => {
  await using upstream = await startUpstream();
  upstream.always({ events: [roleEvent, textEvent('a'), textEvent('b'), finishEvent, doneEvent], chunkDelayMs: 60 });
  await using gateway = await startPooled(
    { openai: upstream },
    { 'plugins/timeouts': { firstContentMs: 1_000, betweenEventsMs: 150 } },
  );
  assert.match((await chat(gateway, { stream: true })).text, /\[DONE\]/);
  upstream.always({ events: [roleEvent, textEvent('a')], fault: 'stall' });
  assert.match((await chat(gateway, { stream: true })).text, /sent nothing more within 150 ms/);
});

test('a provider may have limits of its own', async () => {
  await using upstream = await startUpstream();
  upstream.always({ ...said(), delayMs: 200 });
  await using gateway = await startPooled(
    { openai: upstream, slow: upstream },
    { 'plugins/timeouts': { firstContentMs: 50, providers: { slow: { firstContentMs: 2_000 } } } },
  );
  assert.equal((await chat(gateway)).status, 504);
  assert.equal((await chat(gateway, { model: 'slow/m' })).status, 200);
});

test('a held-back start is shown after its time even without content', async () => {
  await using upstream = await startUpstream();
  upstream.always({
    events: [
      roleEvent,
      ': wait\n\n',
      ': wait\n\n',
      ': wait\n\n',
      ': wait\n\n',
      textEvent('late'),
      finishEvent,
      doneEvent,
    ],
    chunkDelayMs: 60,
  });
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/timeouts': { holdBackMs: 100 } });
  const started = performance.now();
  const response = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
  });
  assert.ok(performance.now() - started < 280, String(performance.now() - started));
  assert.match(await response.text(), /late[\s\S]*\[DONE\]/);
});

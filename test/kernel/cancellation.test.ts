import assert from 'node:assert/strict';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { z } from 'zod';
import { definePlugin, type Outcome } from '../../plugin-sdk/index.ts';
import { type RunningGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';
import anthropic from '../../providers/anthropic/index.ts';
import { chat, failed, keys, roleEvent, said, startPooled, textEvent } from '../plugins/pooled-gateway.ts';

interface Watched {
  readonly gateway: RunningGateway;
  readonly outcomes: readonly Outcome[];
}

async function startWatched(
  upstreams: Parameters<typeof startPooled>[0],
  plugins: Record<string, unknown> = {},
): Promise<Watched> {
  const outcomes: Outcome[] = [];
  const watcher = definePlugin({
    name: 'watcher',
    options: z.strictObject({}),
    setup: () => ({ hooks: { postLog: (_exchange, outcome) => void outcomes.push(outcome) } }),
  });
  const gateway = await startPooled(
    upstreams,
    { watcher: {}, ...plugins },
    { definitions: { watcher: watcher as never, 'providers/anthropic': anthropic as never } },
  );
  return { gateway, outcomes };
}

function call(gateway: RunningGateway, body: Record<string, unknown> = {}): ClientRequest {
  const client = httpRequest(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    agent: false,
  });
  client.on('error', () => {});
  client.on('response', (response) => response.on('error', () => {}).resume());
  client.end(JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }], ...body }));
  return client;
}

async function until(condition: () => boolean, ms = 2_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.ok(condition(), 'in time');
}

/** The client leaves; the upstream's connection must close within 100 ms and nothing more may be sent to it. */
async function leave(client: ClientRequest, upstream: Upstream, { outcomes }: Watched): Promise<Outcome> {
  const sent = upstream.requests.length;
  const left = performance.now();
  client.destroy();
  if (sent > 0) {
    await upstream.requests.at(-1)!.closed;
    assert.ok(performance.now() - left < 100, `closed after ${performance.now() - left} ms`);
  }
  await until(() => outcomes.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(upstream.requests.length, sent, 'nothing is retried');
  const [outcome] = outcomes;
  assert.equal(outcome!.clientGone, true);
  assert.equal(outcome!.error?.openaiCode, 'client_gone');
  return outcome!;
}

const retrying = {
  'plugins/retries': { retries: 3, initialMs: 20 },
  'plugins/fallbacks': { rules: [{ fallbacks: ['openai/other'] }] },
};

test('a client that leaves before headers stops the upstream call', async () => {
  await using upstream = await startUpstream();
  upstream.always({ fault: 'silent' });
  const watched = await startWatched({ openai: upstream }, retrying);
  await using _gateway = watched.gateway;
  const client = call(watched.gateway);
  await until(() => upstream.requests.length === 1);
  const outcome = await leave(client, upstream, watched);
  assert.equal(outcome.status, 499);
  assert.deepEqual(
    outcome.attempts.map(({ result }) => result),
    ['abandoned'],
  );
});

test('a client that leaves before content stops the upstream stream, and what it had used is on the record', async () => {
  await using upstream = await startUpstream();
  const start = {
    type: 'message_start',
    message: {
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'c',
      content: [],
      usage: { input_tokens: 9, output_tokens: 0 },
    },
  };
  upstream.always({ events: [`event: message_start\ndata: ${JSON.stringify(start)}\n\n`], fault: 'stall' });
  const watched = await startWatched(
    {},
    { 'providers/anthropic': upstream.provider(), ...retrying, 'plugins/fallbacks': {} },
  );
  await using _gateway = watched.gateway;
  const client = call(watched.gateway, { model: 'anthropic/claude', stream: true });
  await until(() => upstream.requests.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 60));
  const outcome = await leave(client, upstream, watched);
  assert.equal(outcome.status, 499);
  assert.equal(outcome.usage?.input, 9);
});

test('a client that leaves in the middle of a stream stops it, and what it had used is on the record', async () => {
  await using upstream = await startUpstream();
  const used = { ...textEvent('Hel'), usage: { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 } };
  upstream.always({ events: [roleEvent, used], fault: 'stall' });
  const watched = await startWatched({ openai: upstream }, retrying);
  await using _gateway = watched.gateway;
  const client = call(watched.gateway, { stream: true });
  await new Promise((resolve) => client.on('response', (response) => response.once('data', resolve)));
  const outcome = await leave(client, upstream, watched);
  assert.equal(outcome.status, 200);
  assert.equal(outcome.usage?.input, 7);
  assert.deepEqual(
    outcome.attempts.map(({ result }) => result),
    ['abandoned'],
  );
});

test('a client that leaves between retries is not retried for', async () => {
  await using upstream = await startUpstream();
  upstream.always(failed(500));
  const watched = await startWatched(
    { openai: upstream },
    { ...retrying, 'plugins/retries': { retries: 3, initialMs: 300, jitter: 0 } },
  );
  await using _gateway = watched.gateway;
  const client = call(watched.gateway);
  await until(() => upstream.requests.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.destroy();
  await until(() => watched.outcomes.length === 1, 100);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(upstream.requests.length, 1);
  assert.equal(watched.outcomes[0]!.error?.openaiCode, 'client_gone');
  assert.equal(watched.outcomes[0]!.attempts.length, 1);
});

test('a client that leaves the queue frees its place and calls nobody', async () => {
  await using upstream = await startUpstream();
  let release = (): void => {};
  upstream.always(() => new Promise((resolve) => (release = () => resolve(said()))));
  const watched = await startWatched({ openai: upstream }, { ...retrying, 'plugins/concurrency': { concurrent: 1 } });
  await using _gateway = watched.gateway;
  const running = chat(watched.gateway);
  await until(() => upstream.requests.length === 1);
  const client = call(watched.gateway);
  await new Promise((resolve) => setTimeout(resolve, 60));
  client.destroy();
  await until(() => watched.outcomes.length === 1, 100);
  assert.equal(watched.outcomes[0]!.error?.openaiCode, 'client_gone');
  assert.ok(watched.outcomes[0]!.queueMs! > 30);
  release();
  assert.equal((await running).status, 200);
  assert.equal(upstream.requests.length, 1);
  const next = chat(watched.gateway);
  await until(() => upstream.requests.length === 2);
  release();
  assert.equal((await next).status, 200);
});

test('the total time limit ends everything, retries included, with one clean error', async () => {
  await using upstream = await startUpstream();
  upstream.always(failed(500));
  await using gateway = await startPooled(
    { openai: { upstream, options: keys({ a: 1 }) } },
    {
      'plugins/retries': { retries: 10, initialMs: 60, maxMs: 60, jitter: 0, budget: 1 },
      'plugins/timeouts': { totalMs: 150 },
    },
  );
  const started = performance.now();
  const reply = await chat(gateway);
  assert.ok(performance.now() - started < 400);
  assert.equal(reply.status, 504);
  assert.equal(reply.json.error.code, 'upstream_timeout');
});

test('the total time limit ends a stream with an error event', async () => {
  await using upstream = await startUpstream();
  upstream.always({ events: Array(100).fill(textEvent('x')), chunkDelayMs: 20 });
  await using gateway = await startPooled({ openai: upstream }, { 'plugins/timeouts': { totalMs: 150 } });
  const reply = await chat(gateway, { stream: true });
  assert.match(reply.text, /"code":"upstream_timeout"[^\n]*\n\n$/);
  assert.equal(reply.text.includes('[DONE]'), false);
});

test('the total time limit ends a stream whose client has stopped reading', async () => {
  await using upstream = await startUpstream();
  upstream.always({ events: Array(300).fill(textEvent('x'.repeat(100_000))) });
  const { gateway, outcomes } = await startWatched({ openai: upstream }, { 'plugins/timeouts': { totalMs: 300 } });
  await using _ = gateway;
  const asking = httpRequest(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  asking.on('response', (answer) => answer.on('error', () => {})).on('error', () => {});
  asking.end(JSON.stringify({ model: 'gpt-4o', stream: true, messages: [{ role: 'user', content: 'hi' }] }));
  await until(() => outcomes.length === 1);
  assert.equal(outcomes[0]!.error?.code, 'UP_TIMEOUT');
  asking.destroy();
});

import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { type Script, startUpstream } from '../../plugin-sdk/testing/index.ts';
import anthropic from '../../providers/anthropic/index.ts';
import {
  chat,
  doneEvent,
  errorEvent,
  failed,
  finishEvent,
  keys,
  roleEvent,
  said,
  startPooled,
  textEvent,
} from '../plugins/pooled-gateway.ts';

const healthy = said('from the second');
const healthyStream: Script = { events: [roleEvent, textEvent('from the second'), finishEvent, doneEvent] };
const truncated = JSON.stringify(healthy.json).slice(0, 120);
const json = { 'content-type': 'application/json' };
const sse = { 'content-type': 'text/event-stream' };

/** What a proxy on the way may say under 200. */
const noJson: Record<string, Script> = {
  'answers 200 with a web page': { headers: { 'content-type': 'text/html' }, body: '<html>log in</html>' },
  'answers 200 with a large web page': {
    headers: { 'content-type': 'text/html' },
    chunks: ['<html>', 'x'.repeat(2_000_000), '</html>'],
    chunkDelayMs: 5,
  },
  'answers 200 with a web page that is called JSON': { headers: json, body: ' <html>nope</html>' },
  'answers 200 with nothing': { headers: json, body: '' },
};

/** Ways to fail before the client could have seen anything. */
const whole: Record<string, Script> = {
  'is reset before headers': { fault: 'reset' },
  'is reset after headers': { headers: json, chunks: [truncated], fault: 'cut' },
  'answers 429 with retry-after': failed(429, { 'retry-after': '60' }),
  'answers 429 without retry-after': failed(429),
  'answers 500': failed(500),
  'answers 200 with an error body': { json: errorEvent },
  'is silent before headers': { fault: 'silent' },
  'is silent after headers': { headers: json, chunks: [], fault: 'stall' },
  'is silent in the middle of the body': { headers: json, chunks: [truncated], fault: 'stall' },
  'sends truncated JSON': { headers: json, body: truncated },
  ...noJson,
};
const streamed: Record<string, Script> = {
  'is reset before headers': { fault: 'reset' },
  'is reset after headers': { headers: sse, chunks: [], fault: 'cut' },
  'is reset after the first event': { events: [roleEvent], fault: 'cut' },
  'answers 429 with retry-after': failed(429, { 'retry-after': '60' }),
  'answers 429 without retry-after': failed(429),
  'answers 500': failed(500),
  'answers 200 with an error body': { json: errorEvent },
  'sends an error as the first event': { events: [errorEvent] },
  'sends an error as the second event': { events: [roleEvent, errorEvent] },
  'sends an error after comments and a role': {
    events: [': keep-alive\n\n', roleEvent, ': keep-alive\n\n', errorEvent, doneEvent],
  },
  'is silent before headers': { fault: 'silent' },
  'is silent before content': { events: [roleEvent], fault: 'stall' },
  'only sends keep-alives': { events: Array(50).fill(': keep-alive\n\n'), chunkDelayMs: 20 },
  'ends without a word': { events: [roleEvent] },
  'sends a cut event': { headers: sse, chunks: ['data: {"choices":[{"index":0,"del'] },
  ...noJson,
};

const limits = { 'plugins/timeouts': { firstContentMs: 150, betweenEventsMs: 150 }, 'plugins/fallbacks': {} };

for (const [stream, ways] of [
  [false, whole],
  [true, streamed],
] as const) {
  for (const [way, script] of Object.entries(ways)) {
    test(`an upstream that ${way} fails over unseen (${stream ? 'stream' : 'plain'})`, async () => {
      await using first = await startUpstream();
      await using second = await startUpstream();
      first.always(script);
      second.always(stream ? healthyStream : healthy);
      await using gateway = await startPooled({ openai: first, second }, limits);
      const reply = await chat(gateway, { stream, fallbacks: ['second/gpt-4o'] });
      assert.equal(reply.status, 200, reply.text);
      assert.equal(reply.headers.get('x-bf-provider'), 'second');
      if (stream) {
        assert.equal(reply.text.match(/data: /g)!.length, 4, reply.text);
        assert.ok(reply.text.includes('from the second') && reply.text.endsWith('data: [DONE]\n\n'));
        assert.equal(reply.text.includes('error'), false);
      } else assert.deepEqual(reply.json, healthy.json);
      assert.match(reply.headers.get('x-bf-attempts')!, /^openai\/gpt-4o: \S+$/);
      assert.equal(first.requests.length, 1);
      assert.equal(second.requests.length, 1);
      assert.deepEqual(second.requests[0]!.json, {
        model: 'gpt-4o',
        messages: [{ role: 'user', content: 'hi' }],
        stream,
      });
    });
  }
}

test('an upstream that refuses connections fails over unseen', async () => {
  const closed = await closedPort();
  await using second = await startUpstream();
  second.always(healthy);
  await using gateway = await startPooled(
    { second },
    { ...limits, 'providers/openai': { baseUrl: `http://127.0.0.1:${closed}`, ...keys({ a: 1 }) } },
  );
  const reply = await chat(gateway, { fallbacks: ['second/gpt-4o'] });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get('x-bf-attempts'), 'openai/gpt-4o: UP_CONNECT');
});

const late: Record<string, { script: Script; code: string }> = {
  'an error event': { script: { events: [roleEvent, textEvent('Hel'), errorEvent] }, code: 'overloaded' },
  'a cut connection': { script: { events: [roleEvent, textEvent('Hel')], fault: 'cut' }, code: 'upstream_stream_cut' },
  silence: { script: { events: [roleEvent, textEvent('Hel')], fault: 'stall' }, code: 'upstream_timeout' },
  'an early end': { script: { events: [roleEvent, textEvent('Hel')] }, code: 'upstream_stream_cut' },
};
for (const [way, { script, code }] of Object.entries(late)) {
  test(`${way} after content gives the client one well-formed error event and no second target`, async () => {
    await using first = await startUpstream();
    await using second = await startUpstream();
    first.always(script);
    second.always(healthyStream);
    await using gateway = await startPooled({ openai: first, second }, limits);
    const reply = await chat(gateway, { stream: true, fallbacks: ['second/gpt-4o'] });
    const events = reply.text
      .split('\n\n')
      .filter((event) => event !== '')
      .map((event) => JSON.parse(event.replace(/^data: /, '')));
    assert.equal(events.length, 3, reply.text);
    assert.equal(events.at(-1).error.code, code);
    assert.equal(reply.text.includes('[DONE]'), false);
    assert.equal(second.requests.length, 0);
  });
}

test('a translated stream that reports an error before content fails over unseen', async () => {
  await using first = await startUpstream();
  await using second = await startUpstream();
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
  const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
  first.always({
    events: [start, { type: 'ping' }, error].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
  });
  second.always(healthyStream);
  await using gateway = await startPooled(
    { second },
    { ...limits, 'providers/anthropic': first.provider() },
    { definitions: { 'providers/anthropic': anthropic as never } },
  );
  const reply = await chat(gateway, { model: 'anthropic/claude', stream: true, fallbacks: ['second/gpt-4o'] });
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.headers.get('x-bf-provider'), 'second');
});

test('a start larger than may be held back is shown, and an error behind it is an event', async () => {
  await using first = await startUpstream();
  await using second = await startUpstream();
  first.always({ events: [roleEvent, ...Array(40).fill(`: ${'x'.repeat(100)}\n\n`), errorEvent], chunkDelayMs: 1 });
  second.always(healthyStream);
  await using gateway = await startPooled(
    { openai: first, second },
    { ...limits, 'plugins/timeouts': { holdBackBytes: 1_000 } },
  );
  const reply = await chat(gateway, { stream: true, fallbacks: ['second/gpt-4o'] });
  assert.equal(reply.headers.get('x-bf-provider'), 'openai');
  assert.match(reply.text, /"overloaded"[^\n]*\n\n$/);
  assert.equal(second.requests.length, 0);
});

test('when all targets fail the client sees the first one, and the others in x-bf-attempts', async () => {
  await using first = await startUpstream();
  await using second = await startUpstream();
  first.always(failed(500, {}, 'first_broke'));
  second.always(failed(503, {}, 'second_broke'));
  await using gateway = await startPooled({ openai: first, second }, limits);
  const reply = await chat(gateway, { fallbacks: ['second/gpt-4o'] });
  assert.equal(reply.status, 500);
  assert.equal(reply.json.error.code, 'first_broke');
  assert.equal(reply.headers.get('x-bf-attempts'), 'openai/gpt-4o: 500, second/gpt-4o: 503');
});

test('a request that is wrong everywhere is not sent to a second target', async () => {
  await using first = await startUpstream();
  await using second = await startUpstream();
  first.always(failed(400));
  await using gateway = await startPooled({ openai: first, second }, limits);
  assert.equal((await chat(gateway, { fallbacks: ['second/gpt-4o'] })).status, 400);
  assert.equal(second.requests.length, 0);
});

test('a kept-alive connection that the upstream closed is replaced for free', async () => {
  let connections = 0;
  let requests = 0;
  const known = new WeakSet<Socket>();
  // Answers the first request of a connection and resets it on the second, as an idle limit does at the wrong moment.
  const server = createHttpServer(async (incoming, outgoing) => {
    requests += 1;
    for await (const _chunk of incoming);
    if (known.has(incoming.socket)) return void incoming.socket.resetAndDestroy();
    known.add(incoming.socket);
    connections += 1;
    outgoing.writeHead(200, json).end(JSON.stringify(healthy.json));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const { port } = server.address() as { port: number };
  await using gateway = await startPooled(
    {},
    { 'providers/openai': { baseUrl: `http://127.0.0.1:${port}`, ...keys({ a: 1 }) } },
  );
  for (let i = 0; i < 5; i++) {
    const reply = await chat(gateway);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.headers.get('x-bf-attempts'), null);
  }
  assert.equal(connections, 5);
  assert.ok(requests > connections, String(requests));
  server.close();
});

test('a fresh connection that is reset is a failure, not repeated for free', async () => {
  await using upstream = await startUpstream();
  upstream.always({ fault: 'reset' });
  await using gateway = await startPooled({ openai: upstream });
  const reply = await chat(gateway);
  assert.equal(reply.status, 502);
  assert.equal(reply.json.error.code, 'upstream_reset');
  assert.equal(upstream.requests.length, 1);
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

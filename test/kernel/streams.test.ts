import assert from 'node:assert/strict';
import { request } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import type { Outcome } from '../../plugin-sdk/index.ts';
import { ask, type ChatGateway, chatGateway, chunk, done, plugin, streamed } from './chat-gateway.ts';

const eventsOf = (id: number): (string | object)[] => [
  chunk({ role: 'assistant', content: '' }),
  ...Array.from({ length: 98 }, (_, i) => chunk({ content: `${id}:${i} é€𝄞 ` })),
  chunk({}, 'stop'),
  done,
];
const bytesOf = (events: readonly (string | object)[]): string =>
  events.map((event) => (typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`)).join('');

/** A streamed call by node's own client; `cutAfter` bytes it leaves. */
function stream(gateway: ChatGateway, id: number, cutAfter = Number.POSITIVE_INFINITY): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const call = request(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-id': String(id) },
    });
    call.on('error', reject);
    call.on('response', (reply) => {
      reply.on('error', () => resolve(Buffer.concat(chunks)));
      reply.on('data', (bytes: Buffer) => {
        chunks.push(bytes);
        size += bytes.length;
        if (size > cutAfter) call.destroy();
      });
      reply.on('end', () => resolve(Buffer.concat(chunks)));
    });
    call.end(JSON.stringify({ model: 'gpt', stream: true, messages: [] }));
  });
}

test('1,000 concurrent streams of 100 events lose, reorder and duplicate no byte, and 200 that leave are closed upstream within 100 ms', async () => {
  await using gateway = await chatGateway();
  const leftAt = new Map<number, number>();
  const closedAfter = new Map<number, number>();
  gateway.upstream.always((seen) => {
    const id = Number(seen.headers['x-id']);
    void seen.closed.then(() => closedAfter.set(id, performance.now() - (leftAt.get(id) ?? 0)));
    // Streams that will be left stay open until then, so that every one of them is left in the middle.
    return id < 200 ? { events: eventsOf(id).slice(0, 1 + (id % 90)), fault: 'stall' } : { events: eventsOf(id) };
  });
  const controllers = Array.from({ length: 200 }, () => new AbortController());
  const leaving = controllers.map(({ signal }, id) => leaveLater(gateway, id, signal));
  const whole = Array.from({ length: 800 }, async (_, i) => {
    const id = 200 + i;
    assert.equal((await stream(gateway, id)).toString(), bytesOf(eventsOf(id)));
  });
  await Promise.all(whole);
  // All three sides share this process: what its loop lags is not the gateway's.
  const lag = monitorEventLoopDelay({ resolution: 5 });
  lag.enable();
  await Promise.all(
    controllers.map(async (controller, id) => {
      await new Promise((resolve) => setTimeout(resolve, (id * 7_919) % 1_000));
      leftAt.set(id, performance.now());
      controller.abort();
    }),
  );
  await Promise.all(leaving);
  for (let i = 0; i < 100 && closedAfter.size < 200; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  const times = [...closedAfter.values()].sort((a, b) => a - b);
  console.log(
    `800 streams whole; 200 left, closed upstream after ${times[100]?.toFixed(0)} ms (median), ${times.at(-1)?.toFixed(0)} ms (slowest)`,
  );
  assert.equal(closedAfter.size, 200);
  assert.ok(times.at(-1)! < 100 + lag.max / 1e6, `the slowest took ${times.at(-1)} ms`);
});

function leaveLater(gateway: ChatGateway, id: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const call = request(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-id': String(id) },
      signal,
    });
    call.on('error', () => resolve());
    call.on('response', (reply) => {
      reply.on('error', () => resolve());
      reply.resume();
    });
    call.end(JSON.stringify({ model: 'gpt', stream: true, messages: [] }));
  });
}

test('an upstream that is cut in the middle of an event ends with an error event and without [DONE]', async () => {
  await using gateway = await chatGateway();
  gateway.upstream.always({
    headers: { 'content-type': 'text/event-stream' },
    chunks: [bytesOf(streamed('whole').slice(0, 2)), 'data: {"choices":[{"index":0,"del'],
    fault: 'cut',
  });
  const text = await (await ask(gateway, { stream: true })).text();
  assert.match(text, /whole/);
  assert.doesNotMatch(text, /"del$|\[DONE\]/);
  const events = text.trim().split('\n\n');
  const last = JSON.parse(events.at(-1)!.slice('data: '.length)) as { error: { code: string } };
  assert.equal(last.error.code, 'upstream_stream_cut');
});

test('a stream that ends early without a finish is an error, although HTTP ended well', async () => {
  await using gateway = await chatGateway();
  gateway.upstream.always({ events: streamed('half').slice(0, 2) });
  const text = await (await ask(gateway, { stream: true })).text();
  assert.match(text, /half[\s\S]*upstream_stream_cut/);
});

test('an error before the first content is an HTTP error', async () => {
  await using gateway = await chatGateway();
  gateway.upstream.always({
    events: [chunk({ role: 'assistant' }), { error: { message: 'overloaded', type: 'server_error', code: null } }],
  });
  const reply = await ask(gateway, { stream: true });
  assert.ok(reply.status >= 500, `status ${reply.status}`);
  const { error } = (await reply.json()) as { error: { message: string } };
  assert.equal(error.message, 'overloaded');
});

test('a silent stream gets keep-alive comments', async () => {
  await using gateway = await chatGateway({}, { server: { keepAliveCommentMs: 1_000 } });
  gateway.upstream.always({ events: streamed('slow'), chunkDelayMs: 1_300 });
  const text = await (await ask(gateway, { stream: true })).text();
  assert.match(text, /: keep-alive\n\n[\s\S]*\[DONE\]/);
});

test('a slow reader stops the upstream instead of filling the memory', async () => {
  await using gateway = await chatGateway();
  const piece = bytesOf([chunk({ content: 'x'.repeat(60_000) })]);
  let written = 0;
  gateway.upstream.always(() => ({
    headers: { 'content-type': 'text/event-stream' },
    chunks: new Proxy([] as string[], {
      get: (target, name) =>
        name === Symbol.iterator
          ? function* () {
              for (; written < 4_000; written++) yield piece;
            }
          : Reflect.get(target, name),
    }),
  }));
  const reply = await ask(gateway, { stream: true });
  const reader = reply.body!.getReader();
  await reader.read();
  // The system's buffers take their time to fill.
  let taken = -1;
  for (let waits = 0; taken !== written && waits < 20; waits++) {
    taken = written;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.equal(written, taken, 'the upstream went on writing');
  // What lies in between: the buffers of two connections, which Linux may let grow to 36 MB each, and one read of the gateway.
  assert.ok(taken < 1_300, `${taken} pieces of 60 KB were taken`);
  await reader.cancel();
});

test('a client that stops reading is let go, and its provider is not blamed', async () => {
  const outcomes: Outcome[] = [];
  const impatient = plugin('impatient', {
    hooks: {
      preRoute: (exchange) => {
        exchange.policy.timeouts.betweenEventsMs = 300;
      },
      postLog: (_exchange, outcome) => void outcomes.push(outcome),
    },
  });
  await using gateway = await chatGateway({ impatient });
  const piece = bytesOf([chunk({ content: 'x'.repeat(60_000) })]);
  gateway.upstream.always({ headers: { 'content-type': 'text/event-stream' }, chunks: Array(400).fill(piece) });
  const reply = await ask(gateway, { stream: true });
  const reader = reply.body!.getReader();
  await reader.read();
  for (let i = 0; i < 300 && outcomes.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(outcomes[0]?.error?.code, 'CLIENT_GONE');
  assert.equal(outcomes[0]?.attempts[0]?.result, 'abandoned');
  await reader.cancel().catch(() => {});
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passthroughGateway, rawCall } from '../routes/passthrough-gateway.ts';

const sse = { 'content-type': 'text/event-stream' };
const first = 'data: {"choices":[{"index":0,"delta":{"content":"one"}}]}\n\n';
const huge = `data: {"choices":[{"index":0,"delta":{"content":"${'x'.repeat(9_000_000)}`;

for (const fault of ['cut', 'stall'] as const) {
  test(`cuts the connection where a stream breaks inside an event too large to be held (${fault})`, async () => {
    await using gateway = await passthroughGateway({ plugins: { 'plugins/timeouts': { betweenEventsMs: 300 } } });
    gateway.upstreams.openai.reply({ chunks: [first, huge], headers: sse, fault });
    const ended = gateway.next();
    const reply = await rawCall(gateway, '/openai_passthrough/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"model":"m","messages":[],"stream":true}',
    });
    assert.equal(reply.cut, true);
    const text = reply.body.toString('latin1');
    assert.ok(text.length > 8 * 1024 * 1024);
    assert.ok((first + huge).startsWith(text), 'nothing of the gateway follows');
    assert.equal((await ended).outcome.error?.code, fault === 'cut' ? 'UP_STREAM_CUT' : 'UP_TIMEOUT');
  });
}

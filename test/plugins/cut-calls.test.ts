import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiChat } from '../../plugin-sdk/dialects/index.ts';
import type { Exchange, Provider } from '../../plugin-sdk/index.ts';
import { type RunningGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { bytesPerToken } from '../../plugins/governance/usage.ts';
import { recordedChats } from '../dialects/recorded-chats.ts';
import { eventsOf } from '../dialects/stream-bytes.ts';
import { recordingsMissing } from '../recordings.ts';
import { call, quota, startGoverned, used } from './governed-gateway.ts';

const key = 'sk-bf-cut-calls-0123456789';
const vk = { 'x-bf-vk': key };
const governance = { virtualKeys: [{ id: 'one', value: key, budgets: [{ limit: 10, period: '1d' }] }] };

/** USD of the test's price list. */
const usd = (input: number, output: number) => input / 1e6 + (output * 10) / 1e6;

async function charged(gateway: RunningGateway): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 60));
  const [account] = (await quota(gateway, key)).accounts;
  assert.equal(account!.reserved, 0);
  return account!.used;
}

const words = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ choices: [{ index: 0, delta: { content: `word ${i} ` } }] }));

test('charges a cut stream no less than the provider, which has thought before it spoke', async () => {
  await using upstream = await startUpstream();
  // 40 tokens of thought in 400 ms, then 3 tokens a word.
  upstream.always({ events: words(20), delayMs: 400, fault: 'cut' });
  await using gateway = await startGoverned(upstream, { governance });
  await call(gateway, vk, { stream: true, max_tokens: 10_000 });
  const cost = await charged(gateway);
  assert.ok(cost >= usd(12, 40 + 60) * 0.99, `${cost}`);
  assert.ok(cost < usd(200, 250), `${cost}`);
});

test('charges a client that leaves before the first word', async () => {
  await using upstream = await startUpstream();
  upstream.always({ fault: 'silent' });
  await using gateway = await startGoverned(upstream, { governance });
  const leaving = AbortSignal.timeout(300);
  const body = JSON.stringify({ model: 'priced', stream: true, max_tokens: 10_000, messages: [] });
  const headers = { 'content-type': 'application/json', ...vk };
  const path = '/openai/v1/chat/completions';
  await assert.rejects(fetch(gateway.url + path, { method: 'POST', headers, body, signal: leaving }));
  const cost = await charged(gateway);
  assert.ok(cost >= usd(10, 30) && cost < usd(200, 200), `${cost}`);
});

test('charges a call that nobody waited for to its end, and not one that never reached the provider', async () => {
  await using upstream = await startUpstream();
  upstream.always({ ...used(10, 30), delayMs: 2_000 });
  await using gateway = await startGoverned(upstream, {
    governance,
    plugins: { 'plugins/timeouts': { firstContentMs: 300 } } as never,
  });
  assert.equal((await call(gateway, vk, { max_tokens: 10_000 })).status, 504);
  const cost = await charged(gateway);
  assert.ok(cost >= usd(10, 30) && cost < usd(200, 400), `${cost}`);
  await using unreachable = await startGoverned(upstream, { governance });
  await upstream.close();
  assert.equal((await call(unreachable, vk)).status, 502);
  assert.equal(await charged(unreachable), 0);
});

test('measures no recorded stream shorter than the provider did', { skip: recordingsMissing }, () => {
  let measured = 0;
  for (const { name, stream, dialect } of recordedChats()) {
    if (stream === undefined) continue;
    const read = dialect.meter.stream();
    const usages = eventsOf(dialect.framing, stream).flatMap((event) => read(event).usage ?? []);
    const { output = 0, reasoning = 0 } = Object.assign({}, ...usages) as { output?: number; reasoning?: number };
    // Too short to say anything: the ends of a stream weigh more than its words.
    if (output - reasoning < 50) continue;
    const carried = { dialect, operation: 'chat', stream: true } as unknown as Exchange;
    assert.ok(stream.length / bytesPerToken(carried, undefined) >= output - reasoning, name);
    const translated = { ...carried, dialect: openaiChat };
    const provider = { speaks: { chat: [dialect] } } as unknown as Provider;
    assert.ok(stream.length / bytesPerToken(translated, provider) >= output - reasoning, name);
    measured++;
  }
  assert.ok(measured >= 10, `${measured}`);
});

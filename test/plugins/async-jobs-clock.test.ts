import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../kernel/host.ts';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { completion } from './jobs-gateway.ts';

const hour = 3_600_000;

test('a job that runs while the clock is set forward runs once', { timeout: 30_000 }, async (t) => {
  let ahead = 0;
  const clock = { ...systemClock, now: () => Date.now() + ahead };
  const upstream = await startUpstream();
  upstream.always({ json: completion, delayMs: 2_000 });
  const plugins = {
    'routes/openai': {},
    'providers/openai': upstream.provider(),
    'plugins/async-jobs': { pollMs: 20, leaseSeconds: 4 },
  };
  const gateway = await startGateway({ plugins, clock });
  t.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const call = async (headers: Record<string, string>): Promise<{ id: string; status: string | null }> => {
    const reply = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer dummy-key', ...headers },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] }),
    });
    const { id } = (await reply.json()) as { id: string };
    return { id, status: reply.headers.get('x-bf-async-status') };
  };
  const { id } = await call({ 'x-bf-async': 'true' });
  while (upstream.requests.length === 0) await pause(20);
  ahead = hour;
  await pause(1_000);
  const second = await call({ 'x-bf-async': 'true' });
  for (const job of [id, second.id])
    while ((await call({ 'x-bf-async-id': job })).status !== 'completed') await pause(50);
  assert.equal(upstream.requests.length, 2, 'one call for each job');
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

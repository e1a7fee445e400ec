import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, chatGateway, plugin } from './chat-gateway.ts';

test('a decision record that is too long for a header keeps what came last', async () => {
  const talkative = plugin('talkative', {
    hooks: {
      preRoute: (exchange) => {
        for (let i = 0; i < 500; i++) exchange.note('talkative', `step ${i} ж`, { detail: 'x'.repeat(100) });
      },
    },
  });
  await using gateway = await chatGateway({ talkative });
  const reply = await ask(gateway, {}, { 'x-bf-explain': 'true', 'x-bf-admin-token': gateway.adminToken });
  const text = reply.headers.get('x-bf-explain')!;
  assert.ok(text.length <= 8_192, `${text.length} characters`);
  const { decisions, truncated } = JSON.parse(text) as { decisions: { what: string }[]; truncated: boolean };
  assert.equal(truncated, true);
  assert.ok(decisions.some(({ what }) => what === 'step 499 ж'));
});

test('a model name of any length is answered with headers that a client takes', async () => {
  await using gateway = await chatGateway();
  const model = 'm'.repeat(100_000);
  const admin = { 'x-bf-explain': 'true', 'x-bf-admin-token': gateway.adminToken };
  const served = await ask(gateway, { model }, admin);
  assert.equal(served.status, 200);
  assert.match(served.headers.get('x-bf-model')!, /m{500}\.\.\.$/);
  gateway.upstream.always({ status: 500, json: { error: { message: 'no' } } });
  const failed = await ask(gateway, { model }, admin);
  assert.equal(failed.status, 500);
  assert.match(failed.headers.get('x-bf-attempts')!, /m{500}\.\.\.$/);
});

test('a caller who may not see the decision record gets none, though a plugin keeps the timeline for itself', async () => {
  const curious = plugin('curious', { hooks: { preRoute: (exchange) => exchange.keepTimeline() } });
  await using gateway = await chatGateway({ curious });
  assert.equal((await ask(gateway, {})).headers.get('x-bf-explain'), null);
  assert.equal((await ask(gateway, {}, { 'x-bf-explain': 'true' })).headers.get('x-bf-explain'), null);
  const operator = { 'x-bf-explain': 'true', 'x-bf-admin-token': gateway.adminToken };
  assert.notEqual((await ask(gateway, {}, operator)).headers.get('x-bf-explain'), null);
});

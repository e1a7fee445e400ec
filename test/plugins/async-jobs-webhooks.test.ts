import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

const deadline = { timeout: 20_000 };
const secret = `whsec_${Buffer.from('a secret of some length').toString('base64')}`;
const answer = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' } }],
};

async function start(
  t: TestContext,
  webhook: Record<string, unknown>,
  others: Record<string, unknown> = {},
): Promise<{ upstream: Upstream; receiver: Upstream; gateway: RunningGateway }> {
  const upstream = await startUpstream();
  const receiver = await startUpstream();
  upstream.always({ json: answer });
  const endpoint = { url: `${receiver.url}/hook?x=1`, secret, ...webhook };
  const gateway = await startGateway({
    plugins: {
      'providers/openai': upstream.provider(),
      'plugins/async-jobs': { pollMs: 20, webhooks: { main: endpoint, ...others } },
    },
  });
  t.after(async () => {
    await gateway.close();
    await upstream.close();
    await receiver.close();
  });
  return { upstream, receiver, gateway };
}

async function submit(gateway: RunningGateway, webhook = 'main'): Promise<string> {
  const reply = await fetch(`${gateway.url}/v1/async/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer me', 'x-bf-async-webhook': webhook },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x' }] }),
  });
  assert.equal(reply.status, 202);
  return ((await reply.json()) as { id: string }).id;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

test('sends a signed notification with the reply when a job ends', deadline, async (t) => {
  const { receiver, gateway } = await start(t, {});
  receiver.always({ status: 204 });
  const id = await submit(gateway);
  await until(() => receiver.requests.length > 0);
  const [{ headers, body, url, json }] = receiver.requests as [(typeof receiver.requests)[number]];
  assert.equal(url, '/hook?x=1');
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body.toString()}`;
  const expected = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
    .update(signed)
    .digest('base64');
  assert.equal(headers['webhook-signature'], `v1,${expected}`);
  const event = json as { type: string; data: { id: string; status: string; result: unknown } };
  assert.equal(event.type, 'async_job.completed');
  assert.equal(event.data.id, id);
  assert.deepEqual(event.data.result, answer);
});

test('an endpoint that is silent holds up the notifications of no other', deadline, async (t) => {
  const silent = await startUpstream();
  t.after(() => silent.close());
  silent.always({ fault: 'silent' });
  const { receiver, gateway } = await start(t, {}, { silent: { url: silent.url, secret, timeoutSeconds: 2 } });
  receiver.always({ status: 204 });
  for (let i = 0; i < 30; i++) await submit(gateway, 'silent');
  await until(() => silent.requests.length > 0);
  const since = performance.now();
  await submit(gateway);
  await until(() => receiver.requests.length > 0);
  assert.ok(performance.now() - since < 1_800);
  assert.ok(silent.requests.length <= 20, 'one endpoint is not sent all at once');
  await until(() => silent.requests.length === 30);
});

test('repeats a notification that was not taken under the same id, and redelivers on request', deadline, async (t) => {
  const { receiver, gateway } = await start(t, { backoffSeconds: 1, maxRetries: 1 });
  receiver.always({ status: 500 });
  const id = await submit(gateway);
  const admin = { authorization: `Bearer ${gateway.adminToken}` };
  const state = async (): Promise<string> => {
    const reply = await fetch(`${gateway.url}/api/async-jobs/${id}`, { headers: admin });
    return ((await reply.json()) as { delivery: { state: string } }).delivery.state;
  };
  await until(async () => (await state()) === 'failed');
  assert.equal(receiver.requests.length, 2);
  assert.equal(receiver.requests[0]?.headers['webhook-id'], receiver.requests[1]?.headers['webhook-id']);
  receiver.always({ status: 200 });
  const redelivered = await fetch(`${gateway.url}/api/async-jobs/${id}/redeliver`, { method: 'POST', headers: admin });
  assert.equal(redelivered.status, 202);
  await until(async () => (await state()) === 'delivered');
  assert.equal((await fetch(`${gateway.url}/api/async-jobs/${id}/redeliver`, { method: 'POST' })).status, 401);
});

test('tells of a failed job as failed', deadline, async (t) => {
  const { receiver, gateway, upstream } = await start(t, {});
  upstream.always({
    status: 400,
    json: { error: { message: 'no', type: 'invalid_request_error', param: null, code: 'bad' } },
  });
  receiver.always({ status: 200 });
  await submit(gateway);
  await until(() => receiver.requests.length > 0);
  const event = receiver.requests[0]?.json as {
    type: string;
    data: { error: { message: string }; status_code: number };
  };
  assert.equal(event.type, 'async_job.failed');
  assert.equal(event.data.error.message, 'no');
  assert.equal(event.data.status_code, 400);
});

test('sends nothing to a private address that the config does not allow', deadline, async (t) => {
  const { receiver, gateway } = await start(t, { allowPrivateNetwork: false, maxRetries: 0 });
  receiver.always({ status: 200 });
  const id = await submit(gateway);
  const admin = { authorization: `Bearer ${gateway.adminToken}` };
  await until(async () => {
    const reply = await fetch(`${gateway.url}/api/async-jobs/${id}`, { headers: admin });
    return ((await reply.json()) as { delivery?: { state: string } }).delivery?.state === 'failed';
  });
  assert.equal(receiver.requests.length, 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JobsGateway, startJobs } from './jobs-gateway.ts';

const deadline = { timeout: 20_000 };
const responses = '/openai/v1/responses';
const body = { model: 'openai/gpt-4o-mini', input: 'x' };

async function submit({ call }: JobsGateway, headers: Record<string, string> = {}): Promise<string> {
  const reply = await call('POST', responses, { 'x-bf-async': 'true', ...headers }, body);
  await reply.text();
  return reply.headers.get('x-bf-async-id')!;
}

async function untilCompleted({ call }: JobsGateway, id: string): Promise<void> {
  for (;;) {
    const reply = await call('GET', `${responses}/${id}`);
    await reply.text();
    if (reply.headers.get('x-bf-async-status') === 'completed') return;
    await sleep(20);
  }
}

/** Every way in which a client may ask for a response that is a job. */
async function askFor({ call }: JobsGateway, id: string): Promise<{ status: number; text: string }[]> {
  const replies = [
    await call('GET', `${responses}/${id}`),
    await call('POST', `${responses}/${id}/cancel`),
    await call('DELETE', `${responses}/${id}`),
    await call('POST', responses, { 'x-bf-async-id': id }, body),
    await call('GET', `/v1/async/responses/${id}`),
  ];
  return Promise.all(replies.map(async (reply) => ({ status: reply.status, text: await reply.text() })));
}

test('a deleted response is gone with its answer, like one that never was', deadline, async (t) => {
  const setup = await startJobs(t);
  const id = await submit(setup, { 'idempotency-key': 'order-1' });
  await untilCompleted(setup, id);
  const deleted = await setup.call('DELETE', `${responses}/${id}`);
  assert.deepEqual([deleted.status, await deleted.json()], [200, { id, object: 'response', deleted: true }]);
  const asked = await askFor(setup, id);
  assert.deepEqual(
    asked.map(({ status }) => status),
    [404, 404, 404, 404, 404],
  );
  assert.deepEqual(asked, await askFor(setup, `job_${'0'.repeat(id.length - 4)}`));
  const next = await submit(setup, { 'idempotency-key': 'order-1' });
  assert.notEqual(next, id);
  await untilCompleted(setup, next);
  assert.equal(setup.upstream.requests.length, 2);
});

test('deleting a response that still runs stops its upstream call and leaves nothing', deadline, async (t) => {
  const setup = await startJobs(t);
  setup.upstream.always({ fault: 'silent' });
  const id = await submit(setup);
  while (setup.upstream.requests.length === 0) await sleep(10);
  assert.equal((await setup.call('DELETE', `${responses}/${id}`)).status, 200);
  const closed = await Promise.race([setup.upstream.requests[0]!.closed.then(() => true), sleep(1_000, false)]);
  assert.ok(closed, 'the call stops at once');
  for (const { status } of await askFor(setup, id)) assert.equal(status, 404);
});

test("nobody deletes another caller's response", deadline, async (t) => {
  const setup = await startJobs(t);
  const id = await submit(setup);
  await untilCompleted(setup, id);
  const foreign = await setup.call('DELETE', `${responses}/${id}`, { authorization: 'Bearer other' });
  assert.equal(foreign.status, 404);
  assert.equal((await setup.call('GET', `${responses}/${id}`)).status, 200);
});

test('of two that delete a response at once, one did', deadline, async (t) => {
  const setup = await startJobs(t);
  const id = await submit(setup);
  await untilCompleted(setup, id);
  const replies = await Promise.all([1, 2].map(() => setup.call('DELETE', `${responses}/${id}`)));
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 404]);
});

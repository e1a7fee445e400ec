import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { isGatewayError } from '../../plugin-sdk/index.ts';
import type { Job, JobResult, NewJob } from '../../plugin-sdk/ports/jobs.ts';
import { FakeClock } from '../../plugin-sdk/testing/fake-clock.ts';
import { LmdbJobs } from '../../plugins/store-lmdb/jobs.ts';
import { openJobs } from '../../plugins/store-lmdb/jobs-environment.ts';

const limits = { queued: 1_000_000, queuedPerOwner: 1_000_000 };
const reply: JobResult = {
  state: 'completed',
  status: 200,
  headers: ['content-type', 'application/json'],
  body: Buffer.from('{}'),
};
let made = 0;

function newJob(owner: string, more: Partial<NewJob> = {}): NewJob {
  return {
    id: `job_${String(made++).padStart(8, '0')}`,
    owner,
    priority: 0,
    resultTtlMs: 60_000,
    facts: { operation: 'chat' },
    request: { method: 'POST', path: '/x', sealed: Buffer.from('sealed'), body: Buffer.from('{"a":1}') },
    ...more,
  };
}

function openStore(t: TestContext): { jobs: LmdbJobs; clock: FakeClock } {
  const path = mkdtempSync(join(tmpdir(), 'jobs-'));
  const environment = openJobs(path, 1024 ** 3);
  t.after(async () => {
    await environment.close();
    rmSync(path, { recursive: true, force: true });
  });
  const clock = new FakeClock();
  return { jobs: new LmdbJobs(environment, clock), clock };
}

const submit = async (jobs: LmdbJobs, owner: string, more: Partial<NewJob> = {}): Promise<Job> =>
  (await jobs.submit(newJob(owner, more), limits)).job;
const leaseAll = { count: 1_000, leaseMs: 10_000, perOwner: 1_000 };
const rejectsWith = (code: string) => (error: unknown) => isGatewayError(error) && error.code === code;

test('lists the jobs of all owners, newest first, page by page', async (t) => {
  const { jobs } = openStore(t);
  const ids: string[] = [];
  for (const owner of ['a', 'b', 'a', 'c', 'b']) ids.unshift((await submit(jobs, owner)).id);
  const first = await jobs.list(undefined, { limit: 3 });
  const second = await jobs.list(undefined, { limit: 3, after: first.next! });
  assert.deepEqual(
    [...first.jobs, ...second.jobs].map(({ id }) => id),
    ids,
  );
  assert.equal(second.next, undefined);
});

test('gives a stored job back with its request, once', async (t) => {
  const { jobs } = openStore(t);
  const { id } = await submit(jobs, 'a');
  assert.equal((await jobs.get(id))?.state, 'queued');
  const [leased, ...others] = await jobs.lease(leaseAll);
  assert.equal(others.length, 0);
  assert.equal(leased?.id, id);
  assert.equal(leased?.request.body.toString(), '{"a":1}');
  assert.equal((await jobs.get(id))?.state, 'running');
  assert.deepEqual(await jobs.lease(leaseAll), []);
});

test('serves owners in turn and each owner in the order of submission', async (t) => {
  const { jobs } = openStore(t);
  const ids: Record<string, string[]> = { a: [], b: [], c: [] };
  for (let i = 0; i < 20; i++) ids['a']!.push((await submit(jobs, 'a')).id);
  for (let i = 0; i < 3; i++) ids['b']!.push((await submit(jobs, 'b')).id);
  for (let i = 0; i < 3; i++) ids['c']!.push((await submit(jobs, 'c')).id);
  const taken = await jobs.lease({ ...leaseAll, count: 9 });
  const owners = taken.map(({ job }) => job.owner);
  assert.deepEqual([...owners].sort().join(''), 'aaabbbccc');
  const rest = await jobs.lease(leaseAll);
  for (const owner of ['a', 'b', 'c']) {
    const order = [...taken, ...rest].filter(({ job }) => job.owner === owner).map(({ id }) => id);
    assert.deepEqual(order, ids[owner]);
  }
});

test('runs higher priorities first', async (t) => {
  const { jobs } = openStore(t);
  const low = await submit(jobs, 'a', { priority: -1 });
  const normal = await submit(jobs, 'b');
  const high = await submit(jobs, 'a', { priority: 5 });
  const taken = await jobs.lease(leaseAll);
  assert.deepEqual(
    taken.map(({ id }) => id),
    [high.id, normal.id, low.id],
  );
});

test('runs no more of an owner at once than allowed', async (t) => {
  const { jobs } = openStore(t);
  for (let i = 0; i < 4; i++) await submit(jobs, 'a');
  await submit(jobs, 'b');
  const request = { ...leaseAll, perOwner: 2 };
  const first = await jobs.lease(request);
  assert.deepEqual(first.map(({ job }) => job.owner).sort(), ['a', 'a', 'b']);
  assert.deepEqual(await jobs.lease(request), []);
  await jobs.complete(first[0]!, reply);
  assert.equal((await jobs.lease(request)).length, 1);
});

test('ends a job once, whoever reports how often', async (t) => {
  const { jobs } = openStore(t);
  const { id } = await submit(jobs, 'a');
  const [leased] = await jobs.lease(leaseAll);
  const outcomes = await Promise.all([
    jobs.complete(leased!, reply),
    jobs.complete(leased!, reply),
    jobs.release(leased!),
  ]);
  assert.deepEqual(outcomes, [true, false, false]);
  assert.equal((await jobs.get(id))?.state, 'completed');
  assert.equal((await jobs.result(id))?.body.toString(), '{}');
});

test('refuses the report of a worker whose lease another has taken', async (t) => {
  const { jobs, clock } = openStore(t);
  const { id } = await submit(jobs, 'a');
  const [first] = await jobs.lease(leaseAll);
  await jobs.markSent(first!);
  clock.advance(10_001);
  const [second] = await jobs.lease(leaseAll);
  assert.equal(second?.id, id);
  assert.equal(second?.job.interruptions, 1);
  assert.equal(second?.job.sent, true);
  assert.equal(await jobs.complete(first!, reply), false);
  assert.deepEqual(await jobs.renew([first!], 10_000), [id]);
  assert.equal(await jobs.complete(second!, reply), true);
});

test('keeps a renewed lease beyond its first time', async (t) => {
  const { jobs, clock } = openStore(t);
  await submit(jobs, 'a');
  const [leased] = await jobs.lease(leaseAll);
  clock.advance(9_000);
  assert.deepEqual(await jobs.renew([leased!], 10_000), []);
  clock.advance(9_000);
  assert.deepEqual(await jobs.lease(leaseAll), []);
  assert.equal(await jobs.complete(leased!, reply), true);
});

test('puts a job that was handed back at the front of its line', async (t) => {
  const { jobs } = openStore(t);
  const first = await submit(jobs, 'a');
  const second = await submit(jobs, 'a');
  const [leased] = await jobs.lease({ ...leaseAll, count: 1 });
  await jobs.markSent(leased!);
  assert.equal(await jobs.release(leased!), true);
  assert.equal((await jobs.get(first.id))?.interruptions, 1);
  assert.deepEqual(
    (await jobs.lease(leaseAll)).map(({ id }) => id),
    [first.id, second.id],
  );
});

test('answers a repeated idempotency key with the first job and refuses another body', async (t) => {
  const { jobs } = openStore(t);
  const idempotency = { key: 'k', fingerprint: 'f' };
  const [first, second] = await Promise.all([
    jobs.submit(newJob('a', { idempotency }), limits),
    jobs.submit(newJob('a', { idempotency }), limits),
  ]);
  assert.deepEqual([first.created, second.created], [true, false]);
  assert.equal(second.job.id, first.job.id);
  await assert.rejects(
    jobs.submit(newJob('a', { idempotency: { key: 'k', fingerprint: 'g' } }), limits),
    rejectsWith('JOB_KEY_REUSED'),
  );
  assert.equal((await jobs.submit(newJob('b', { idempotency }), limits)).created, true);
});

test('frees the idempotency key of a job that ends with a failure that used up nothing', async (t) => {
  const { jobs } = openStore(t);
  const idempotency = { key: 'k', fingerprint: 'f' };
  const first = await submit(jobs, 'a', { idempotency });
  const [leased] = await jobs.lease(leaseAll);
  await jobs.complete(leased!, { ...reply, state: 'failed', status: 429, freesKey: true });
  assert.equal((await jobs.get(first.id))?.state, 'failed');
  assert.equal((await jobs.result(first.id))?.freesKey, true);
  const other = { key: 'k', fingerprint: 'g' };
  const second = await jobs.submit(newJob('a', { idempotency: other }), limits);
  assert.equal(second.created, true);
  assert.equal((await jobs.submit(newJob('a', { idempotency: other }), limits)).job.id, second.job.id);
});

test('refuses jobs beyond the limit of the queue or of an owner', async (t) => {
  const { jobs } = openStore(t);
  await submit(jobs, 'a');
  await assert.rejects(jobs.submit(newJob('a'), { queued: 10, queuedPerOwner: 1 }), rejectsWith('LIMIT_QUEUE'));
  await assert.rejects(jobs.submit(newJob('b'), { queued: 1, queuedPerOwner: 5 }), rejectsWith('LIMIT_QUEUE'));
});

test('hides a result when its time is over and sweeps everything about it', async (t) => {
  const { jobs, clock } = openStore(t);
  const { id } = await submit(jobs, 'a', { resultTtlMs: 5_000, idempotency: { key: 'k', fingerprint: 'f' } });
  const [leased] = await jobs.lease(leaseAll);
  await jobs.complete(leased!, reply);
  clock.advance(5_000);
  assert.equal(await jobs.get(id), undefined);
  assert.equal(await jobs.result(id), undefined);
  const again = await jobs.submit(newJob('a', { idempotency: { key: 'k', fingerprint: 'other' } }), limits);
  assert.equal(again.created, true);
  assert.equal(await jobs.sweep(10), 1);
  assert.deepEqual(await jobs.counts(), { queued: 1, running: 0, completed: 0, failed: 0, cancelled: 0 });
  const repeated = await jobs.submit(newJob('a', { idempotency: { key: 'k', fingerprint: 'other' } }), limits);
  assert.equal(repeated.job.id, again.job.id);
});

test('cancels waiting and running jobs and takes the lease away', async (t) => {
  const { jobs } = openStore(t);
  const running = await submit(jobs, 'a');
  const [leased] = await jobs.lease(leaseAll);
  const waiting = await submit(jobs, 'a');
  assert.equal((await jobs.cancel(waiting.id))?.state, 'cancelled');
  assert.equal((await jobs.cancel(running.id))?.state, 'cancelled');
  assert.deepEqual(await jobs.renew([leased!], 1_000), [running.id]);
  assert.equal(await jobs.complete(leased!, reply), false);
  assert.deepEqual(await jobs.lease(leaseAll), []);
  assert.equal(await jobs.cancel('job_none'), undefined);
});

test('deletes jobs in every state with their results, keys and notifications', async (t) => {
  const { jobs } = openStore(t);
  const idempotency = { key: 'k', fingerprint: 'f' };
  const ended = await submit(jobs, 'a', { webhook: 'hook', idempotency });
  const [first] = await jobs.lease(leaseAll);
  await jobs.complete(first!, reply);
  const running = await submit(jobs, 'a');
  const [leased] = await jobs.lease({ ...leaseAll, perOwner: 1 });
  const queued = await submit(jobs, 'a');
  assert.deepEqual(await Promise.all([ended, running, queued].map(({ id }) => jobs.delete(id))), [true, true, true]);
  for (const { id } of [ended, running, queued]) {
    assert.equal(await jobs.get(id), undefined);
    assert.equal(await jobs.result(id), undefined);
    assert.equal(await jobs.cancel(id), undefined);
    assert.equal(await jobs.redeliver(id), undefined);
    assert.equal(await jobs.delete(id), false);
  }
  assert.deepEqual(await jobs.renew([leased!], 1_000), [running.id]);
  assert.equal(await jobs.complete(leased!, reply), false);
  assert.deepEqual(await jobs.leaseDeliveries(10, 1_000), []);
  assert.deepEqual((await jobs.list('a', { limit: 10 })).jobs, []);
  assert.deepEqual(await jobs.counts(), { queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0 });
  const again = await jobs.submit(newJob('a', { idempotency }), limits);
  assert.equal(again.created, true);
  const next = await jobs.lease({ ...leaseAll, perOwner: 1 });
  assert.deepEqual(
    next.map(({ id }) => id),
    [again.job.id],
  );
});

test('does not find a job to delete whose time is over', async (t) => {
  const { jobs, clock } = openStore(t);
  const { id } = await submit(jobs, 'a', { resultTtlMs: 1_000 });
  await jobs.cancel(id);
  clock.advance(1_000);
  assert.equal(await jobs.delete(id), false);
  assert.equal(await jobs.sweep(10), 1);
});

test('lists the jobs of one owner, newest first, page by page', async (t) => {
  const { jobs } = openStore(t);
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift((await submit(jobs, 'a')).id);
  await submit(jobs, 'b');
  const seen: string[] = [];
  let after: string | undefined;
  do {
    const page = await jobs.list('a', { limit: 2, ...(after !== undefined && { after }) });
    seen.push(...page.jobs.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  assert.deepEqual(seen, ids);
});

test('keeps a notification until it is delivered, even when the result has expired', async (t) => {
  const { jobs, clock } = openStore(t);
  const { id } = await submit(jobs, 'a', { webhook: 'hook', resultTtlMs: 1_000 });
  const [leased] = await jobs.lease(leaseAll);
  assert.deepEqual(await jobs.leaseDeliveries(10, 30_000), []);
  await jobs.complete(leased!, reply);
  const [due] = await jobs.leaseDeliveries(10, 30_000);
  assert.equal(due?.id, id);
  assert.deepEqual(await jobs.leaseDeliveries(10, 30_000), []);
  await jobs.settleDelivery(id, { state: 'waiting', outcome: '500', retryAt: clock.now() + 5_000 });
  clock.advance(5_000);
  assert.equal(await jobs.sweep(10), 0);
  const [again] = await jobs.leaseDeliveries(10, 30_000);
  assert.equal(again?.delivery?.attempts, 2);
  await jobs.settleDelivery(id, { state: 'delivered', outcome: '200' });
  clock.advance(200_000);
  assert.equal(await jobs.sweep(10), 1);
});

test('agrees with a plain model of the queue whatever happens in whatever order', async (t) => {
  const { jobs, clock } = openStore(t);
  const owners = ['a', 'b', 'c'];
  const step = fc.oneof(
    fc.record({
      do: fc.constant('submit' as const),
      owner: fc.constantFrom(...owners),
      priority: fc.integer({ min: -1, max: 1 }),
    }),
    fc.record({ do: fc.constant('lease' as const), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
      do: fc.constantFrom('complete' as const, 'release' as const, 'cancel' as const, 'delete' as const),
      at: fc.nat(20),
    }),
    fc.record({ do: fc.constant('wait' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const open = new Set<string>();
      const held = new Map<string, number>();
      let ended = 0;
      for (const action of steps) {
        if (action.do === 'submit') open.add((await submit(jobs, action.owner, { priority: action.priority })).id);
        else if (action.do === 'wait') clock.advance(11_000);
        else if (action.do === 'lease') {
          for (const { id, token, job } of await jobs.lease({ count: action.count, leaseMs: 10_000, perOwner: 2 })) {
            assert.ok(open.has(id));
            assert.ok(token > (held.get(id) ?? 0));
            assert.ok(owners.includes(job.owner));
            held.set(id, token);
          }
        } else {
          const id = [...open][action.at];
          if (id === undefined) continue;
          const lease = { id, token: held.get(id) ?? 0 };
          if (action.do === 'delete') assert.equal(await jobs.delete(id), true);
          else if (action.do === 'cancel') assert.equal((await jobs.cancel(id))?.state, 'cancelled');
          else if (!(action.do === 'complete' ? await jobs.complete(lease, reply) : await jobs.release(lease)))
            continue;
          if (action.do !== 'release') {
            open.delete(id);
            ended++;
          }
        }
      }
      while (open.size > 0) {
        clock.advance(11_000);
        const leased = await jobs.lease({ count: 50, leaseMs: 10_000, perOwner: 2 });
        assert.ok(leased.length > 0, 'a job is never forgotten');
        for (const lease of leased) {
          assert.equal(await jobs.complete(lease, reply), true);
          open.delete(lease.id);
          ended++;
        }
      }
      const counts = await jobs.counts();
      assert.deepEqual([counts.queued, counts.running], [0, 0]);
      assert.ok(ended <= steps.length);
    }),
    { numRuns: 60 },
  );
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { isGatewayError } from '../../plugin-sdk/index.ts';
import type { NewJob } from '../../plugin-sdk/ports/jobs.ts';
import { ThreadedJobs } from '../../plugins/store-lmdb/threaded-jobs.ts';
import { smallDisk } from './small-disk.ts';

const job = (number: number): NewJob => ({
  id: `job_${String(number).padStart(8, '0')}`,
  owner: 'a',
  priority: 0,
  resultTtlMs: 60_000,
  facts: {},
  request: { method: 'POST', path: '/x', sealed: Buffer.alloc(100, 1), body: Buffer.alloc(50_000, number % 256) },
});

test('refuses new jobs on a full disk, harms none of the old and goes on when there is room', {
  timeout: 60_000,
}, async (t) => {
  const path = smallDisk(t, 8);
  if (path === undefined) return;
  const jobs = new ThreadedJobs(join(path, 'jobs'), 1024 ** 3, { now: () => Date.now() }, console);
  t.after(() => jobs.close());
  const limits = { queued: 10_000, queuedPerOwner: 10_000 };
  let stored = 0;
  const refusal = await (async () => {
    for (;;) {
      try {
        await jobs.submit(job(stored), limits);
        stored++;
      } catch (error) {
        return error;
      }
    }
  })();
  assert.ok(isGatewayError(refusal));
  assert.equal(refusal.code, 'STORE_UNAVAILABLE');
  assert.equal(refusal.status, 503);
  assert.ok(stored > 50);
  assert.equal((await jobs.counts()).queued, stored);
  assert.equal((await jobs.get(job(stored - 1).id))?.state, 'queued');
  assert.equal(await jobs.get(job(stored).id), undefined);

  execFileSync('mount', ['-o', 'remount,size=64m', path]);
  assert.equal((await jobs.submit(job(stored), limits)).created, true);
  const leased = await jobs.lease({ count: 10_000, leaseMs: 60_000, perOwner: 10_000 });
  assert.equal(leased.length, stored + 1);
  for (const [number, { id, request }] of leased.entries()) {
    assert.equal(id, job(number).id);
    assert.deepEqual(request.body, job(number).request.body);
  }
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobResult } from '../../plugin-sdk/ports/jobs.ts';
import { ThreadedJobs } from '../../plugins/store-lmdb/threaded-jobs.ts';

/**
 * Fills the durable queue and drains it again: node test/bench/jobs.bench.ts [JOBS] [OWNERS]
 * Prints latencies of submission at several depths of the queue, memory, and whether each owner's order was kept.
 */
const count = Number(process.argv[2] ?? 100_000);
const owners = Number(process.argv[3] ?? 50);
const clients = 8;
const folder = mkdtempSync(join(tmpdir(), 'jobs-bench-'));
const jobs = new ThreadedJobs(folder, 64 * 1024 ** 3, { now: () => Date.now() }, console);
const body = Buffer.from(JSON.stringify({ model: 'gpt', messages: [{ role: 'user', content: 'x'.repeat(900) }] }));
const sealed = Buffer.alloc(400, 1);
const result: JobResult = {
  state: 'completed',
  status: 200,
  headers: ['content-type', 'application/json'],
  body: Buffer.alloc(800, 120),
} as const;
const limits = { queued: count * 2, queuedPerOwner: count * 2 };

function print(name: string, latencies: number[], seconds: number): void {
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => `${latencies[Math.floor((latencies.length - 1) * share)]!.toFixed(2)} ms`;
  const memory = `own memory ${ownMegabytes()} MB`;
  const rate = Math.round(latencies.length / seconds);
  process.stdout.write(`${name}: median ${at(0.5)}, p99 ${at(0.99)}, worst ${at(1)}, ${rate}/s; ${memory}\n`);
}

/** Without the pages of the store's file that happen to be mapped, which the system takes back when it needs them. */
function ownMegabytes(): number {
  const anonymous = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Math.round(Number(anonymous) / 1_024);
}

async function submit(number: number): Promise<void> {
  await jobs.submit(
    {
      id: `job_${String(number).padStart(12, '0')}`,
      owner: `owner ${number % owners}`,
      priority: 0,
      resultTtlMs: 3_600_000,
      facts: { kind: 'chat', operation: 'chat', model: 'gpt' },
      request: { method: 'POST', path: '/openai/v1/chat/completions', sealed, body },
    },
    limits,
  );
}

try {
  let number = 0;
  const steps = 5;
  for (let step = 1; step <= steps; step++) {
    const latencies: number[] = [];
    const started = performance.now();
    const until = (count / steps) * step;
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (number < until) {
          const before = performance.now();
          await submit(number++);
          latencies.push(performance.now() - before);
        }
      }),
    );
    print(`submit, ${clients} clients, ${number} queued`, latencies, (performance.now() - started) / 1_000);
  }
  const alone: number[] = [];
  const startedAlone = performance.now();
  for (let i = 0; i < 1_000; i++) {
    const before = performance.now();
    await submit(number++);
    alone.push(performance.now() - before);
  }
  print(`submit, 1 client, ${number} queued`, alone, (performance.now() - startedAlone) / 1_000);

  const last = new Map<string, string>();
  const leases: number[] = [];
  let wrong = 0;
  let done = 0;
  const started = performance.now();
  while (done < number) {
    const before = performance.now();
    const leased = await jobs.lease({ count: 64, leaseMs: 60_000, perOwner: 64 });
    leases.push(performance.now() - before);
    for (const { id, job } of leased) {
      if (id <= (last.get(job.owner) ?? '')) wrong++;
      last.set(job.owner, id);
    }
    await Promise.all(leased.map((lease) => jobs.complete(lease, result)));
    done += leased.length;
  }
  const seconds = (performance.now() - started) / 1_000;
  print('lease of 64', leases, seconds);
  process.stdout.write(`drained ${done} jobs at ${Math.round(done / seconds)}/s; ${wrong} out of order\n`);
} finally {
  await jobs.close();
  rmSync(folder, { recursive: true, force: true });
}

/**
 * What records cost: appending, the size on disk, and the questions a dashboard asks of them.
 * Run: `node test/bench/records.bench.ts [records]` (1,000,000 when absent).
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExchangeRecord } from '../../plugin-sdk/ports/records.ts';
import { openStore, sampleRecord } from './sample-records.ts';

const total = Number(process.argv[2] ?? 1_000_000);
const batch = 100;
const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-records-'));
const { store, close } = openStore(dataDir);
const start = Date.parse('2026-11-01T00:00:00Z');
const spacing = (30 * 86_400_000) / total;
const record = (i: number): ExchangeRecord => sampleRecord(i, start + i * spacing);

function line(what: string, value: number, unit: string): void {
  process.stdout.write(`${what.padEnd(52)} ${value.toFixed(value < 10 ? 2 : 0).padStart(9)} ${unit}\n`);
}

let cpu = 0;
const began = performance.now();
for (let i = 0; i < total; i += batch) {
  const records = Array.from({ length: Math.min(batch, total - i) }, (_, at) => record(i + at));
  const before = process.cpuUsage();
  await store.append(records);
  const used = process.cpuUsage(before);
  cpu += used.user + used.system;
}
line('append: processor time', cpu / total, 'µs per record');
line('append: elapsed, generating included', ((performance.now() - began) * 1_000) / total, 'µs per record');
line('file size', statSync(join(dataDir, 'records', 'data.mdb')).size / total, 'bytes per record');

async function time(what: string, ask: () => unknown): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const at = performance.now();
    await ask();
    times.push(performance.now() - at);
  }
  line(what, times.sort((a, b) => a - b)[2]!, `ms (worst ${times[4]!.toFixed(0)})`);
}

const newest = { sort: 'time', order: 'desc', limit: 50 } as const;
const day = 86_400_000;
await time('list: newest 50', () => store.query({ ...newest, filter: {} }));
await time('list: errors of one virtual key', () =>
  store.query({ ...newest, filter: { failed: true, is: { caller: ['vk_97'] } } }),
);
await time('list: a model that is nowhere', () => store.query({ ...newest, filter: { is: { model: ['gpt-1'] } } }));
await time('list: a combination that matches nothing', () =>
  store.query({ ...newest, filter: { minDurationMs: 1e7, is: { model: ['gpt-5-mini'], key: ['main'] } } }),
);
await time('list: a text of many records', () => store.query({ ...newest, filter: { text: 'sonnet' } }));
await time('list: a text of one old record, by its id', () =>
  store.query({ ...newest, filter: { text: record(7).id } }),
);
await time('list: a text that is nowhere', () => store.query({ ...newest, filter: { text: 'nobody' } }));
await time('list: a text that is nowhere, last day', () =>
  store.query({ ...newest, filter: { text: 'nobody', from: start + 29 * 86_400_000 } }),
);
await time('list: dearest 50', () => store.query({ filter: {}, sort: 'cost', order: 'desc', limit: 50 }));
await time('list: slowest 50 of one model', () =>
  store.query({ filter: { is: { model: ['gpt-5-mini'] } }, sort: 'duration', order: 'desc', limit: 50 }),
);
await time('aggregate: everything', () => store.aggregate({ filter: {}, limit: 10 }));
await time('aggregate: by model', () => store.aggregate({ filter: {}, by: 'model', limit: 10 }));
await time('aggregate: by virtual key (500), top 20', () => store.aggregate({ filter: {}, by: 'caller', limit: 20 }));
await time('aggregate: by model and hour, 30 days', () =>
  store.aggregate({ filter: {}, by: 'model', bucket: { count: 1, unit: 'h' }, limit: 10 }),
);
await time('aggregate: by model and hour, last day', () =>
  store.aggregate({ filter: { from: start + 29 * day }, by: 'model', bucket: { count: 1, unit: 'h' }, limit: 10 }),
);
await time('one record by id', () => store.get(record(Math.floor(total / 2)).id));
await close();
rmSync(dataDir, { recursive: true });

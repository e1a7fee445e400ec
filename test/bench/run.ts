import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Candidate, candidates, pluginCandidates, scaleCandidates } from './candidates.ts';
import { printFootprint } from './footprint.ts';
import { median } from './tools/median.ts';
import { type Peers, startPeers } from './tools/peers.ts';
import { listening, type Memory, type Pinned, pinned } from './tools/processes.ts';
import type { LoadResult } from './tools/raw-load.ts';
import { printWorkers } from './workers.ts';
import { type Workload, workloads } from './workloads.ts';

/**
 * Gateways side by side, in one run: every candidate stays up, each workload visits them in turn (A B C A B C), and the
 * operating system says what each cost. The gateway has one core, load and upstream the other.
 *
 * npm run bench -- [--only TEXT;TEXT] [--rounds N] [--seconds N] [--json FILE] [--compare FILE]
 * npm run bench -- --workers     two workers on two cores against one on one
 * npm run bench -- --asleep      load and upstream sleep until something comes, and the gateway pays for waking them
 * npm run bench -- --plugins     what each plugin adds to a carried call
 * npm run bench -- --scale       what many providers, plugins, virtual keys, records and jobs add to it
 * npm run bench -- --footprint   start, idle memory, memory of an open stream
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    json: { type: 'string' },
    compare: { type: 'string' },
    plugins: { type: 'boolean', default: false },
    scale: { type: 'boolean', default: false },
    footprint: { type: 'boolean', default: false },
    workers: { type: 'boolean', default: false },
    asleep: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
/** The first seconds of a JIT cost two to three times the later ones; a call through all plugins takes longest to be compiled. */
const warmSeconds = { direct: 1, proxy: 4, kernel: 14 };
const upstreamPort = 19_200;

interface Slice extends LoadResult {
  readonly cpuMicros: number;
  readonly memory: Memory;
}

interface Running {
  readonly candidate: Candidate;
  readonly process: Pinned | undefined;
  readonly port: number;
  readonly slices: Slice[];
}

interface Result {
  readonly workload: string;
  readonly candidate: string;
  readonly unit: string;
  /** Microseconds of the gateway's processor time per unit; the least of the rounds. */
  readonly cpu: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Resident megabytes, and those of them that are no pages of files. */
  readonly rss: number;
  readonly own: number;
  readonly failed: number;
}

if (values.footprint) {
  await printFootprint(upstreamPort);
  process.exit();
}
if (values.workers) {
  await printWorkers(upstreamPort, rounds, seconds);
  process.exit();
}
const only = (
  values.only ?? (values.scale ? '1 KB carried, 64;at 5,000' : values.plugins ? '1 KB carried, 64' : '')
).split(';');
const contenders = values.plugins ? pluginCandidates() : values.scale ? scaleCandidates() : candidates();
const results: Result[] = [];
for (const workload of workloads.filter(({ name }) => only.some((text) => name.includes(text)))) {
  results.push(...(await measure(workload)));
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
if (values.compare !== undefined) compare(JSON.parse(readFileSync(values.compare, 'utf8')) as Result[]);

async function measure(workload: Workload): Promise<Result[]> {
  const peers = await startPeers(upstreamPort, workload.upstream);
  const running: Running[] = [];
  let port = upstreamPort + 1;
  for (const candidate of contenders) {
    if (workload.for === 'kernel' && candidate.kind !== 'kernel') continue;
    const started = candidate.command?.(port, upstreamPort);
    if (started !== undefined) await candidate.fillStore?.(started.environment!['BIFROST_DATA_DIR']!);
    const process =
      started === undefined ? undefined : pinned(isWide(candidate) ? '0,1' : '1', started.command, started.environment);
    running.push({ candidate, process, port: started === undefined ? upstreamPort : port, slices: [] });
    port += 1;
  }
  try {
    for (const { candidate, process, port: at } of running) {
      if (process === undefined) continue;
      await listening(at);
      await candidate.fillQueue?.(at);
    }
    for (const one of running) await slice(peers, one, workload, warmSeconds[one.candidate.kind]);
    for (let round = 0; round < rounds; round++)
      for (const one of running) one.slices.push(await slice(peers, one, workload, seconds));
  } finally {
    await Promise.all([...running.map(({ process }) => process?.stop()), peers.stop()]);
  }
  return print(workload, running);
}

async function slice(
  peers: Peers,
  { candidate, process: gateway, port }: Running,
  workload: Workload,
  forSeconds: number,
): Promise<Slice> {
  const options = {
    url: candidate.url ?? `http://127.0.0.1:${port}`,
    path: candidate.kind === 'kernel' ? workload.path : workload.path.replace(/^\/openai(_passthrough)?/, ''),
    body: workload.body,
    headers: candidate.headers ?? {},
    connections: workload.connections,
    seconds: forSeconds,
    rate: workload.rate,
    firstByte: workload.firstByte,
  };
  const before = gateway?.cpu() ?? 0;
  const result = await peers.load(options, !values.asleep && !isWide(candidate));
  const cpu = (gateway?.cpu() ?? 0) - before;
  const memory = gateway?.memory() ?? { resident: 0, own: 0 };
  return { ...result, cpuMicros: cpu / Math.max(result.done * workload.units, 1), memory };
}

/** It needs the peers' core as well. */
function isWide({ name }: Candidate): boolean {
  return name.includes('workers');
}

function print(workload: Workload, running: readonly Running[]): Result[] {
  const rows = running.map(({ candidate, slices }): Result => {
    const least = (pick: (slice: Slice) => number): number => Math.min(...slices.map(pick));
    const middle = (pick: (slice: Slice) => number): number => median(slices.map(pick));
    return {
      workload: workload.name,
      candidate: candidate.name,
      unit: workload.unit,
      cpu: least((slice) => slice.cpuMicros),
      perSecond: middle((slice) => slice.done / slice.seconds) * workload.units,
      p50: middle((slice) => slice.p50),
      p99: middle((slice) => slice.p99),
      rss: Math.max(...slices.map(({ memory }) => memory.resident)),
      own: Math.max(...slices.map(({ memory }) => memory.own)),
      failed: slices.reduce((sum, slice) => sum + slice.failed, 0),
    };
  });
  const nginx = rows.find(({ candidate }) => candidate.startsWith('nginx'))?.cpu;
  const direct = rows.find(({ candidate }) => candidate === 'direct');
  console.log(`\n### ${workload.name}\n`);
  console.log(
    `| gateway | CPU µs per ${workload.unit} | × nginx | ${workload.unit}s/s | p50 ms (added) | p99 ms (added) | RSS MB (own) | failed |`,
  );
  console.log('| --- | --: | --: | --: | --: | --: | --: | --: |');
  for (const row of rows) {
    const added = (value: number, base: number | undefined): string =>
      `${value.toFixed(2)} (${base === undefined ? '' : (value - base).toFixed(2)})`;
    const cells = [
      row.candidate,
      row.cpu === 0 ? '' : row.cpu.toFixed(row.cpu < 10 ? 2 : 1),
      nginx === undefined || row.cpu === 0 ? '' : (row.cpu / nginx).toFixed(1),
      Math.round(row.perSecond).toString(),
      added(row.p50, direct?.p50),
      added(row.p99, direct?.p99),
      row.rss === 0 ? '' : `${Math.round(row.rss)} (${Math.round(row.own)})`,
      row.failed.toString(),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
  return rows;
}

function compare(old: readonly Result[]): void {
  console.log(
    `\n### Compared with ${values.compare}\n\n| workload | gateway | before µs | now µs | change |\n| --- | --- | --: | --: | --: |`,
  );
  for (const now of results) {
    const before = old.find(({ workload, candidate }) => workload === now.workload && candidate === now.candidate);
    if (before === undefined || now.cpu === 0) continue;
    console.log(
      `| ${now.workload} | ${now.candidate} | ${before.cpu.toFixed(2)} | ${now.cpu.toFixed(2)} | ${((now.cpu / before.cpu - 1) * 100).toFixed(0)} % |`,
    );
  }
}

console.log(
  `\nNode ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model}, ${rounds} rounds of ${seconds} s`,
);

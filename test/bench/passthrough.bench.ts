import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Candidate, candidates } from './candidates.ts';
import { startPeers } from './tools/peers.ts';
import { listening, type Pinned, pinned } from './tools/processes.ts';

/**
 * What passthrough costs per request and per megabyte, beside a direct call and nginx. The gateway has one core, load and
 * upstream the other; the operating system says what each used. Run: node test/bench/passthrough.bench.ts [SECONDS]
 */
const seconds = Number(process.argv[2] ?? 2);
const rounds = 3;
const upstreamPort = 19_400;
const folder = mkdtempSync(join(tmpdir(), 'bifrost-passthrough-'));
const MiB = 1_048_576;

const message = (bytes: number, more = {}): string =>
  JSON.stringify({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'Tell me more. '.repeat(bytes / 14) }],
    ...more,
  });

const workloads = [
  { name: '1 KB up, 1 KB down, 64 connections', body: message(1_024), connections: 64, megabytes: 0, answer: 700 },
  { name: '1 KB up, 1 KB down, 1 connection', body: message(1_024), connections: 1, megabytes: 0, answer: 700 },
  {
    name: 'stream of 100 events, 64 connections',
    body: message(256, { stream: true }),
    connections: 64,
    megabytes: 0,
    answer: 700,
  },
  { name: '8 MB up', body: message(8 * MiB), connections: 4, megabytes: 8, answer: 700 },
  { name: '8 MB down', body: message(256), connections: 4, megabytes: 8, answer: 8 * MiB },
];

const passthrough: Candidate = {
  name: 'kernel, passthrough',
  kind: 'kernel',
  path: (path) => `/openai_passthrough${path}`,
  command(port, upstream) {
    const file = join(folder, 'config.json');
    const openai = { keys: [{ name: 'main', value: 'sk-bench' }], baseUrl: `http://127.0.0.1:${upstream}` };
    writeFileSync(file, JSON.stringify({ plugins: { 'routes/openai-passthrough': {}, 'providers/openai': openai } }));
    const main = resolve(import.meta.dirname, '../../kernel/main.js');
    return {
      command: [process.execPath, main, 'start', '--config', file, '--port', String(port), '--log-level', 'error'],
      environment: { BIFROST_DATA_DIR: mkdtempSync(join(folder, 'data-')) },
    };
  },
};

const compared = [...candidates().filter(({ name }) => name === 'direct' || name.startsWith('nginx')), passthrough];

for (const workload of workloads) {
  const peers = await startPeers(upstreamPort, { ANSWER_BYTES: String(workload.answer) });
  const running: {
    candidate: Candidate;
    port: number;
    process: Pinned | undefined;
    cpu: number[];
    p50: number[];
    done: number;
  }[] = [];
  for (const [i, candidate] of compared.entries()) {
    const port = upstreamPort + 1 + i;
    const started = candidate.command?.(port, upstreamPort);
    const process = started === undefined ? undefined : pinned('1', started.command, started.environment);
    if (process !== undefined) await listening(port);
    running.push({ candidate, port: process === undefined ? upstreamPort : port, process, cpu: [], p50: [], done: 0 });
  }
  for (let round = -1; round < rounds; round++) {
    for (const one of running) {
      const before = one.process?.cpu() ?? 0;
      const options = {
        url: `http://127.0.0.1:${one.port}`,
        path: one.candidate.path?.('/v1/chat/completions') ?? '/v1/chat/completions',
        body: workload.body,
        connections: workload.connections,
        seconds,
      };
      const { done, p50 } = await peers.load(options, true);
      // The first round warms up.
      if (round < 0) continue;
      one.cpu.push(((one.process?.cpu() ?? 0) - before) / Math.max(done, 1));
      one.p50.push(p50);
      one.done += done;
    }
  }
  console.info(
    `\n### ${workload.name}\n\n| | CPU µs per request | per MB | p50 ms | requests/s |\n| --- | --: | --: | --: | --: |`,
  );
  for (const { candidate, cpu, p50, done, process } of running) {
    const least = Math.min(...cpu);
    const perMegabyte =
      workload.megabytes === 0 || process === undefined ? '' : (least / workload.megabytes).toFixed(0);
    console.info(
      `| ${candidate.name} | ${process === undefined ? '' : least.toFixed(1)} | ${perMegabyte} | ${Math.min(...p50).toFixed(2)} | ${Math.round(done / rounds / seconds)} |`,
    );
  }
  await Promise.all([peers.stop(), ...running.map(({ process }) => process?.stop())]);
}

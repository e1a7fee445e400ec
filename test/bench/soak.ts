import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { company, kernel } from './candidates.ts';
import { listening, pinned } from './tools/processes.ts';
import { chat } from './workloads.ts';

/**
 * Mixed load for minutes: whole calls, streams, jobs, clients that leave in the middle, reloads. Prints the gateway's
 * memory, open files and threads as it goes, and the slope of its memory over the second half, when everything that is
 * kept has been made.
 *
 * Run: node test/bench/soak.ts [--minutes N] [--pause MS]   the pause is each client's between two calls
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, pause: { type: 'string', default: '0' } },
});
const minutes = Number(values.minutes);
const pauseMs = Number(values.pause);
const upstreamPort = 19_400;
const port = upstreamPort + 1;
const path = '/openai/v1/chat/completions';
const whole = requestOf(chat('gpt-4o-mini', 1_024));
const streamed = requestOf(chat('gpt-4o-mini', 256, { stream: true }));
const job = requestOf(chat('gpt-4o-mini', 256), 'x-bf-async: true\r\n');
const sampleMs = 5_000;
const reloadMs = 15_000;

const tool = join(import.meta.dirname, 'tools', 'raw-upstream.ts');
const upstream = pinned('0', [process.execPath, tool, String(upstreamPort)], { EVENT_MS: '2' });
await listening(upstreamPort);
const { command, environment } = kernel('soak', { ...company, 'plugins/async-jobs': {} }, { 'x-bf-vk': 'sk-bf-bench' })
  .command!(port, upstreamPort);
const gateway = pinned('1', command, environment);
await listening(port);

const until = performance.now() + minutes * 60_000;
const counts = { whole: 0, streams: 0, jobs: 0, cuts: 0, reloads: 0, failed: 0 };
const samples: { readonly minute: number; readonly mb: number }[] = [];
const started = performance.now();
const sampling = setInterval(() => {
  samples.push({ minute: (performance.now() - started) / 60_000, mb: ownMegabytes(gateway.child.pid!) });
  if (samples.length % 12 === 0)
    console.log(JSON.stringify({ ...samples.at(-1), ...handles(gateway.child.pid!), ...counts }));
}, sampleMs);
const reloading = setInterval(() => {
  counts.reloads += 1;
  process.kill(gateway.child.pid!, 'SIGHUP');
}, reloadMs);
await Promise.all(Array.from({ length: 32 }, (_, place) => callAgainAndAgain(place)));
clearInterval(sampling);
clearInterval(reloading);
const half = samples.slice(Math.floor(samples.length / 2));
console.log(JSON.stringify({ ...counts, mb: samples.at(-1)?.mb, mbPerMinute: Number(slopeOf(half).toFixed(2)) }));
await Promise.all([gateway.stop(), upstream.stop()]);

/** Every fourth client streams, and every fourth stream is left in the middle; the second one submits jobs. */
async function callAgainAndAgain(place: number): Promise<void> {
  for (let turn = 0; performance.now() < until; turn++) {
    const streams = place % 4 === 0;
    const leaves = streams && turn % 4 === 0;
    const text = await call(streams ? streamed : place === 1 ? job : whole, leaves);
    if (pauseMs > 0) await setTimeout(pauseMs);
    if (leaves) counts.cuts += 1;
    else if (!text.startsWith('HTTP/1.1 200')) counts.failed += 1;
    else if (streams) counts.streams += 1;
    else if (place === 1) counts.jobs += 1;
    else counts.whole += 1;
  }
}

/** One call on a connection of its own; gives the first bytes of the answer. */
function call(request: Buffer, leaves: boolean): Promise<string> {
  return new Promise((resolve) => {
    let head = '';
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(request));
    socket.on('data', (chunk) => {
      if (head === '') head = chunk.toString('latin1', 0, 64);
      if (leaves) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(head));
  });
}

function requestOf(body: string, more = ''): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-bf-vk: sk-bf-bench\r\ncontent-type: application/json\r\n${more}`;
  return Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

/** Memory of the process's own: pages of the store's files, which the system takes back when it needs them, are left out. */
function ownMegabytes(pid: number): number {
  return Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
}

function handles(pid: number): { files: number; threads: number } {
  return { files: readdirSync(`/proc/${pid}/fd`).length, threads: readdirSync(`/proc/${pid}/task`).length };
}

/** Least squares. */
function slopeOf(points: readonly { readonly minute: number; readonly mb: number }[]): number {
  const mean = (pick: (point: (typeof points)[number]) => number): number =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const x = mean(({ minute }) => minute);
  const y = mean(({ mb }) => mb);
  const covariance = mean(({ minute, mb }) => (minute - x) * (mb - y));
  return covariance / mean(({ minute }) => (minute - x) ** 2);
}

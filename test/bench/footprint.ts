import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Candidate, company, kernel, proxies } from './candidates.ts';
import { median } from './tools/median.ts';
import { listening, type Pinned, pinned } from './tools/processes.ts';
import { runLoad } from './tools/raw-load.ts';
import { chat } from './workloads.ts';

const streams = 5_000;
/** With this load the young generation has grown and the code is compiled: what comes on top is what streams take. */
const warmUp = { path: '/openai/v1/chat/completions', body: chat('gpt-4o-mini', 1_024), connections: 64, seconds: 8 };
const settleMs = 3_000;
const starts = 9;

/**
 * Prints what a gateway takes before it does anything, after load, and what a stream takes that is open and between two
 * events: opened on top of that load, and in a process that had only just started.
 */
export async function printFootprint(upstreamPort: number): Promise<void> {
  const tool = join(import.meta.dirname, 'tools', 'raw-upstream.ts');
  // An event each ten seconds: every stream stays open, most of the time in silence.
  const upstream = pinned('0', [process.execPath, tool, String(upstreamPort)], { EVENT_MS: '10000' });
  await listening(upstreamPort);
  console.log(
    '\n### Footprint\n\n| gateway | start ms | idle MB | after load MB | with 5,000 open streams MB | KB per stream | without the load |',
  );
  console.log('| --- | --: | --: | --: | --: | --: | --: |');
  const candidates = [
    ...proxies(),
    kernel('kernel, minimal', {}),
    kernel('kernel, company', company, { 'x-bf-vk': 'sk-bf-bench' }),
  ];
  try {
    for (const [place, candidate] of candidates.entries()) {
      const port = upstreamPort + 1 + place;
      const startMs = await timeStart(candidate, port, upstreamPort);
      const gateway = await start(candidate, port, upstreamPort);
      await pause();
      const idle = gateway.memory().resident;
      const coldEach = await perStream(gateway, port, candidate, idle);
      await gateway.stop();
      const warmed = await start(candidate, port, upstreamPort);
      await runLoad({ url: `http://127.0.0.1:${port}`, ...warmUp, headers: candidate.headers ?? {} });
      await pause();
      const loaded = warmed.memory().resident;
      const each = await perStream(warmed, port, candidate, loaded);
      const full = loaded + (each * streams) / 1_024;
      await warmed.stop();
      const cells = [startMs, idle, loaded, full].map((figure) => figure.toFixed(0));
      console.log(`| ${[candidate.name, ...cells, each.toFixed(1), coldEach.toFixed(1)].join(' | ')} |`);
    }
  } finally {
    await upstream.stop();
  }
}

/** Milliseconds until it listens, on both cores: the median. */
async function timeStart(candidate: Candidate, port: number, upstreamPort: number): Promise<number> {
  const times: number[] = [];
  // Sources and compiled code are kept between starts, soon after each: the first one is not what is measured.
  for (let i = 0; i <= starts; i++) {
    const before = performance.now();
    const gateway = await start(candidate, port, upstreamPort, '0,1');
    if (i > 0) times.push(performance.now() - before);
    else await pause();
    await gateway.stop();
  }
  return median(times);
}

async function start(candidate: Candidate, port: number, upstreamPort: number, cores = '1'): Promise<Pinned> {
  const { command, environment } = candidate.command!(port, upstreamPort);
  const gateway = pinned(cores, command, environment);
  await listening(port);
  return gateway;
}

/** Opens the streams and says by how many kilobytes each of them has enlarged a process of `before` megabytes. */
async function perStream(gateway: Pinned, port: number, candidate: Candidate, before: number): Promise<number> {
  const sockets = await openStreams(port, candidate.headers ?? {});
  await pause();
  const each = ((gateway.memory().resident - before) * 1_024) / streams;
  for (const socket of sockets) socket.destroy();
  return each;
}

/** Opens streams and waits for the head of each reply, which comes with its first content. */
function openStreams(port: number, headers: Readonly<Record<string, string>>): Promise<Socket[]> {
  const body = chat('gpt-4o-mini', 256, { stream: true });
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${more.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(head + body));
      socket.once('data', () => resolve(socket));
      socket.on('error', reject);
    });
  return Promise.all(Array.from({ length: streams }, open));
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, settleMs));
}

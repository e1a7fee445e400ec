import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Candidate, company, kernel, proxies } from './candidates.ts';
import { listening, type Pinned, pinned } from './tools/processes.ts';
import { chat } from './workloads.ts';

const streams = 5_000;
/** With these the young generation has grown and the code is compiled: what the others take is what a stream takes. */
const firstStreams = 1_000;
const settleMs = 3_000;

/** Prints what a gateway takes before it does anything, and what a stream takes that is open and between two events. */
export async function printFootprint(upstreamPort: number): Promise<void> {
  const tool = join(import.meta.dirname, 'tools', 'raw-upstream.ts');
  // An event each ten seconds: every stream stays open, most of the time in silence.
  const upstream = pinned('0', [process.execPath, tool, String(upstreamPort)], { EVENT_MS: '10000' });
  await listening(upstreamPort);
  console.log(
    '\n### Footprint\n\n| gateway | start ms | idle MB | with 5,000 open streams MB | KB per stream | beyond the first 1,000 |',
  );
  console.log('| --- | --: | --: | --: | --: | --: |');
  const candidates = [
    ...proxies(),
    kernel('kernel, minimal', {}),
    kernel('kernel, company', company, { 'x-bf-vk': 'sk-bf-bench' }),
  ];
  try {
    for (const [place, candidate] of candidates.entries()) {
      const port = upstreamPort + 1 + place;
      // Compiled code is kept between starts: the first one is not what is measured.
      await (await start(candidate, port, upstreamPort)).gateway.stop();
      const { gateway, startMs } = await start(candidate, port, upstreamPort);
      await pause();
      const idle = gateway.memory().resident;
      const sockets = await openStreams(port, candidate.headers ?? {}, firstStreams);
      await pause();
      const begun = gateway.memory().resident;
      sockets.push(...(await openStreams(port, candidate.headers ?? {}, streams - firstStreams)));
      await pause();
      const full = gateway.memory().resident;
      const each = ((full - idle) * 1_024) / streams;
      const eachMore = ((full - begun) * 1_024) / (streams - firstStreams);
      const cells = [
        candidate.name,
        startMs.toFixed(0),
        idle.toFixed(0),
        full.toFixed(0),
        each.toFixed(1),
        eachMore.toFixed(1),
      ];
      console.log(`| ${cells.join(' | ')} |`);
      for (const socket of sockets) socket.destroy();
      await gateway.stop();
    }
  } finally {
    await upstream.stop();
  }
}

async function start(
  candidate: Candidate,
  port: number,
  upstreamPort: number,
): Promise<{ gateway: Pinned; startMs: number }> {
  const { command, environment } = candidate.command!(port, upstreamPort);
  const before = performance.now();
  const gateway = pinned('1', command, environment);
  await listening(port);
  return { gateway, startMs: performance.now() - before };
}

/** Opens streams and waits for the head of each reply, which comes with its first content. */
function openStreams(port: number, headers: Readonly<Record<string, string>>, count: number): Promise<Socket[]> {
  const body = chat('gpt-4o-mini', 256, { stream: true });
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${more.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(head + body));
      socket.once('data', () => resolve(socket));
      socket.on('error', reject);
    });
  return Promise.all(Array.from({ length: count }, open));
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, settleMs));
}

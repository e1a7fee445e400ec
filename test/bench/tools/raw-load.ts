import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

/**
 * Load from keep-alive connections that cost next to nothing: one request after the other on each, whole answers
 * counted. Prints one JSON line.
 *
 * Run: node test/bench/tools/raw-load.ts URL '{"path":"/x","body":"…","connections":64,"seconds":2}', or @FILE with that
 */
interface Options {
  readonly path: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
  /** Requests per second over all connections, each sent when it is due; absent: as fast as answers come. */
  readonly rate?: number;
  /** Latency to the first byte of the answer instead of its last. */
  readonly firstByte?: boolean;
}

const url = new URL(process.argv[2]!);
const text = process.argv[3]!;
const {
  path,
  body,
  headers = {},
  connections,
  seconds,
  rate,
  firstByte = false,
}: Options = JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text);

/** The headers that the OpenAI Python SDK sends. */
const sdk = {
  accept: 'application/json',
  'accept-encoding': 'gzip, deflate',
  'content-type': 'application/json',
  'user-agent': 'OpenAI/Python 3.22.0',
  'x-stainless-lang': 'python',
  'x-stainless-package-version': '3.22.0',
  'x-stainless-os': 'Linux',
  'x-stainless-arch': 'x64',
  'x-stainless-runtime': 'CPython',
  'x-stainless-runtime-version': '3.12.1',
  'x-stainless-async': 'false',
  authorization: 'Bearer dummy-key',
  ...headers,
};
const head = Object.entries(sdk).map(([name, value]) => `${name}: ${value}\r\n`);
const request = Buffer.from(
  `POST ${path} HTTP/1.1\r\nhost: ${url.host}\r\n${head.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
);

const latencies: number[] = [];
let done = 0;
let failed = 0;
let bytes = 0;
const started = performance.now();
const until = started + seconds * 1_000;
/** Connecting and waking up are not what latency is about. */
const settledAt = started + 300;
/** Connections that wait for a request to be due. */
const idle: ((dueAt: number) => void)[] = [];

function note(sentAt: number): void {
  if (sentAt >= settledAt) latencies.push(performance.now() - sentAt);
}

function run(): void {
  const socket = connect({ port: Number(url.port), host: url.hostname, noDelay: true });
  let sentAt = 0;
  let expected = -1;
  let got = 0;
  let isChunked = false;
  const sendAt = (dueAt: number): void => {
    if (dueAt >= until) {
      socket.end();
      return;
    }
    sentAt = dueAt;
    expected = -1;
    got = 0;
    socket.write(request);
  };
  const send = (): void => void (rate === undefined ? sendAt(performance.now()) : idle.push(sendAt));
  socket.on('connect', send);
  socket.on('error', () => void (failed += 1));
  socket.on('data', (chunk: Buffer) => {
    got += chunk.length;
    if (expected < 0) {
      if (firstByte) note(sentAt);
      const text = chunk.toString('latin1', 0, Math.min(chunk.length, 4_096));
      const headEnd = text.indexOf('\r\n\r\n');
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      isChunked = length === undefined;
      expected = isChunked ? Number.POSITIVE_INFINITY : headEnd + 4 + Number(length);
      if (!text.startsWith('HTTP/1.1 200')) failed += 1;
    }
    const ended = isChunked ? chunk.subarray(-5).equals(last) : got >= expected;
    if (!ended) return;
    done += 1;
    bytes += got;
    if (!firstByte) note(sentAt);
    send();
  });
}

const last = Buffer.from('0\r\n\r\n');
for (let i = 0; i < connections; i++) run();
if (rate !== undefined) pace(rate);

/** Latency counts from when a request was due, so that a slow answer is not excused by the requests that it held up. */
function pace(perSecond: number): void {
  let sent = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    while (idle.length > 0) {
      const dueAt = started + (sent * 1_000) / perSecond;
      if (dueAt > now) return;
      sent += 1;
      idle.shift()!(dueAt);
    }
    if (now >= until) clearInterval(timer);
  }, 1);
}

process.on('exit', () => {
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((latencies[Math.floor(latencies.length * share)] ?? 0) * 1_000) / 1_000;
  // What was begun is brought to its end.
  const elapsed = (performance.now() - started) / 1_000;
  console.log(JSON.stringify({ done, failed, bytes, seconds: elapsed, p50: at(0.5), p99: at(0.99) }));
});

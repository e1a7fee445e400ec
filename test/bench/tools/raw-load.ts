import { connect } from 'node:net';

export interface LoadOptions {
  readonly url: string;
  readonly path: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
  /** Requests per second over all connections, each sent when it is due; absent: as fast as answers come. */
  readonly rate?: number | undefined;
  /** Latency to the first byte of the answer instead of its last. */
  readonly firstByte?: boolean | undefined;
}

export interface LoadResult {
  readonly done: number;
  readonly failed: number;
  /** Until the last answer had come. */
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

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
};
const lastChunk = Buffer.from('0\r\n\r\n');
/** Connecting and waking up are not what latency is about. */
const settleMs = 300;

/** Load from keep-alive connections that cost next to nothing: one request after the other on each, whole answers counted. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { connections, seconds, rate, firstByte = false } = options;
  const { port, hostname } = new URL(options.url);
  const request = requestOf(options);
  const latencies: number[] = [];
  let done = 0;
  let failed = 0;
  const started = performance.now();
  const until = started + seconds * 1_000;
  /** Connections that wait for a request to be due. */
  const idle: ((dueAt: number) => void)[] = [];

  const note = (sentAt: number): void => {
    if (sentAt >= started + settleMs) latencies.push(performance.now() - sentAt);
  };

  const run = (): Promise<void> => {
    const socket = connect({ port: Number(port), host: hostname, noDelay: true });
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
    const send = (): void => {
      const now = performance.now();
      // After the end nobody looks for idle connections.
      if (rate === undefined || now >= until) sendAt(now);
      else idle.push(sendAt);
    };
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
      const ended = isChunked ? chunk.subarray(-5).equals(lastChunk) : got >= expected;
      if (!ended) return;
      done += 1;
      if (!firstByte) note(sentAt);
      send();
    });
    return new Promise((resolve) => socket.on('close', () => resolve()));
  };

  /** Latency counts from when a request was due, so that a slow answer is not excused by the requests that it held up. */
  const pace = (perSecond: number): void => {
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
  };

  if (rate !== undefined) pace(rate);
  await Promise.all(Array.from({ length: connections }, run));
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  // What was begun is brought to its end.
  return { done, failed, seconds: (performance.now() - started) / 1_000, p50: at(0.5), p99: at(0.99) };
}

function requestOf({ url, path, body, headers = {} }: LoadOptions): Buffer {
  const lines = Object.entries({ ...sdk, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${path} HTTP/1.1\r\nhost: ${new URL(url).host}\r\n${lines.join('')}`;
  return Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

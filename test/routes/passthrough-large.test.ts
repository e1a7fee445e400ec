import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGzip } from 'node:zlib';

const MiB = 1_048_576;
const size = 500 * MiB;
const mostGrowth = 64 * MiB;
const block = Buffer.alloc(MiB, 'The quick brown fox. ');

/** About 1 MiB of events of 16 KiB. */
const events = Buffer.from(`data: {"delta":"${'x'.repeat(16_350)}"}\n\n`.repeat(64));

let server: Server;
let child: ChildProcess;
let port: number;
let upload: { bytes: number; sha: string } | undefined;
/** Bytes that the upstream has written of its last download. */
let written = 0;

before(async () => {
  server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: upstream } = server.address() as AddressInfo;
  child = fork(join(import.meta.dirname, 'gateway-child.ts'), [`http://127.0.0.1:${upstream}`], {
    execPath: process.execPath,
  });
  [{ port }] = (await once(child, 'message')) as [{ port: number }];
  // What the first calls load and compile is no growth.
  await download('/openai_passthrough/v1/warm', () => undefined);
  await download('/anthropic_passthrough/v1/messages?warm-sse', () => undefined);
  await send('/openai_passthrough/v1/warm', 8 * MiB, true);
});

after(() => {
  child?.kill();
  server?.closeAllConnections();
  server?.close();
});

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const kind = incoming.url!.split(/[/?]/).at(-1)!;
  if (incoming.method === 'POST') {
    const hash = createHash('sha256');
    let bytes = 0;
    if (kind === 'slow') await sleep(300);
    for await (const chunk of incoming) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (kind === 'slow' && bytes % 7 === 0) await sleep(1);
    }
    upload = { bytes, sha: hash.digest('hex') };
    outgoing.end('{"ok":true}');
    return;
  }
  written = 0;
  const total = kind.startsWith('warm') ? 8 * MiB : size;
  const gzip = kind === 'gzip' ? createGzip({ level: 1 }) : undefined;
  const type =
    kind === 'json' || kind === 'gzip'
      ? 'application/json'
      : kind.endsWith('sse')
        ? 'text/event-stream'
        : 'application/octet-stream';
  outgoing.writeHead(200, {
    'content-type': type,
    ...(gzip === undefined ? {} : { 'content-encoding': 'gzip' }),
    ...(kind === 'file' ? { 'content-length': total } : {}),
  });
  gzip?.pipe(outgoing);
  const sink = gzip ?? outgoing;
  const put = async (bytes: Buffer | string): Promise<void> => {
    if (outgoing.destroyed) return;
    written += bytes.length;
    if (!sink.write(bytes)) await drained(sink, outgoing);
  };
  if (type === 'application/json') await put('{"data":"');
  for (let sent = 0; sent < total && !outgoing.destroyed; sent += MiB) await put(kind.endsWith('sse') ? events : block);
  if (type === 'application/json') await put('","usage":{"input_tokens":3,"output_tokens":4}}');
  sink.end();
}

function drained(sink: Writable, outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off('drain', done);
      outgoing.off('close', done);
      resolve();
    };
    sink.on('drain', done);
    outgoing.on('close', done);
  });
}

for (const [what, path] of [
  ['of a file', '/openai_passthrough/v1/files/file'],
  ['of JSON without a length', '/openai_passthrough/v1/json'],
  ['of compressed JSON', '/openai_passthrough/v1/gzip'],
  ['of events', '/anthropic_passthrough/v1/messages?sse'],
] as const) {
  test(`passes 500 MB ${what} down within 64 MB of memory`, async (t) => {
    const start = await memory();
    const hash = createHash('sha256');
    let bytes = 0;
    await download(path, (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    const growth = (await memory()) - start;
    if (what === 'of a file') {
      assert.equal(bytes, size);
      assert.equal(hash.digest('hex'), shaOf(size));
    } else assert.ok(bytes > (what === 'of compressed JSON' ? MiB : size * 0.99));
    t.diagnostic(`${Math.round(bytes / MiB)} MB passed, memory grew by ${Math.round(growth / MiB)} MB`);
    assert.ok(growth < mostGrowth, `${growth}`);
  });
}

for (const declared of [true, false]) {
  test(`passes 500 MB up ${declared ? 'with' : 'without'} a content-length within 64 MB of memory`, async (t) => {
    const start = await memory();
    await send('/openai_passthrough/v1/files', size, declared);
    const growth = (await memory()) - start;
    assert.deepEqual(upload, { bytes: size, sha: shaOf(size) });
    t.diagnostic(`memory grew by ${Math.round(growth / MiB)} MB`);
    assert.ok(growth < mostGrowth, `${growth}`);
  });
}

test('reads no further from the provider than a slow client takes', async (t) => {
  const start = await memory();
  const outgoing = request({ port, path: '/openai_passthrough/v1/files/file' }).end();
  outgoing.on('error', () => undefined);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  incoming.pause();
  await sleep(1_500);
  t.diagnostic(`${Math.round(written / MiB)} MB left the provider while nobody read`);
  // The system's own buffers on two loopback connections take most of this.
  assert.ok(written < 150 * MiB, `${written}`);
  assert.ok((await memory()) - start < mostGrowth);
  outgoing.destroy();
});

test('reads no further from the client than a slow provider takes', async () => {
  const start = await memory();
  await send('/openai_passthrough/v1/slow', 64 * MiB, true);
  assert.equal(upload?.bytes, 64 * MiB);
  assert.ok((await memory()) - start < mostGrowth);
});

async function memory(): Promise<number> {
  child.send('memory');
  const [{ most }] = (await once(child, 'message')) as [{ most: number }];
  return most;
}

function download(path: string, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ port, path, headers: { 'accept-encoding': 'gzip' } }, (incoming) =>
      incoming.on('data', take).on('end', resolve).on('error', reject),
    )
      .on('error', reject)
      .end();
  });
}

async function send(path: string, total: number, declared: boolean): Promise<void> {
  const outgoing = request({
    port,
    path,
    method: 'POST',
    headers: declared ? { 'content-length': total } : { 'transfer-encoding': 'chunked' },
  });
  const replied = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  for (let sent = 0; sent < total; sent += MiB) if (!outgoing.write(block)) await once(outgoing, 'drain');
  outgoing.end();
  const [incoming] = await replied;
  incoming.resume();
  await once(incoming, 'end');
}

const shas = new Map<number, string>();

function shaOf(total: number): string {
  let sha = shas.get(total);
  if (sha === undefined) {
    const hash = createHash('sha256');
    for (let sent = 0; sent < total; sent += MiB) hash.update(block);
    shas.set(total, (sha = hash.digest('hex')));
  }
  return sha;
}

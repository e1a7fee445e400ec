import assert from 'node:assert/strict';
import { createHook } from 'node:async_hooks';
import { type ChildProcess, spawn } from 'node:child_process';
import { IncomingMessage } from 'node:http';
import { connect, Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { type RunningGateway, startGateway } from '../../plugin-sdk/testing/index.ts';
import { company } from '../bench/candidates.ts';
import { chat } from '../bench/workloads.ts';

/**
 * What a request costs, in things that can be counted on any machine: a regression shows here before it shows in time.
 * The bounds leave a third of room above what was measured; `npm run bench` measures time.
 */
const upstreamPort = 19_100 + (process.pid % 800);
let upstream: ChildProcess;

before(async () => {
  // As the binary does; see kernel/main.js.
  setFlagsFromString('--no-allocation-site-pretenuring');
  // A process of its own, so that only the gateway is counted.
  upstream = spawn(process.execPath, [
    join(import.meta.dirname, '../bench/tools/raw-upstream.ts'),
    String(upstreamPort),
  ]);
  await open(upstreamPort);
});
after(() => upstream.kill());

const plain = chat('gpt-4o-mini', 1_024);
const stream = chat('gpt-4o-mini', 256, { stream: true });

for (const [name, plugins, headers, bounds] of [
  ['minimal', {}, '', { promises: 27, bytes: 54_000 }],
  ['company', company, 'x-bf-vk: sk-bf-bench\r\n', { promises: 27, bytes: 93_000 }],
] as const) {
  test(`a carried call with the ${name} config makes few promises and little garbage, none of it in the old generation`, async () => {
    await using gateway = await start(plugins);
    const call = await caller(gateway, plain, headers);
    await call(1_500);
    let promises = 0;
    const counting = createHook({ init: (_id, type) => void (promises += Number(type === 'PROMISE')) });
    counting.enable();
    await call(100);
    counting.disable();
    const allocated = allocatedBytes();
    const leftPerCall: number[] = [];
    for (let i = 0; i < 6; i++) {
      const old = oldGeneration();
      await call(1_000);
      leftPerCall.push((oldGeneration() - old) / 1_000);
    }
    const perCall = (allocatedBytes() - allocated) / 6_000;
    call.socket.destroy();
    assert.ok(promises / 100 <= bounds.promises, `${promises / 100} promises per call`);
    assert.ok(perCall <= bounds.bytes, `${Math.round(perCall)} bytes per call`);
    // A closure assigned to a property, or a getter made per object, drags its whole request into the old generation, until
    // V8 has optimized the code. After a slow collection there is less than before, which says nothing.
    const least = Math.min(...leftPerCall.filter((bytes) => bytes > 0));
    assert.ok(least <= 2_000, `${Math.round(least)} bytes of the old generation per call`);
  });
}

for (const [way, body, most] of [
  ['carried', stream, 150],
  // More than goes into one text with its head.
  ['translated', chat('anthropic/claude-sonnet-4-5', 256, { stream: true }), 350],
] as const) {
  test(`events of a ${way} stream that arrive together leave together`, async () => {
    await using gateway = await start({ 'providers/anthropic': upstreamOptions() });
    const call = await caller(gateway, body, '');
    await call(20);
    let writes = 0;
    const restore = (['_write', '_writev'] as const).map((name) => {
      const original = Socket.prototype[name] as (...of: unknown[]) => void;
      Socket.prototype[name] = function counted(this: Socket, ...of: unknown[]) {
        if (this.localPort === gateway.port) writes += 1;
        return original.apply(this, of);
      };
      return () => {
        Socket.prototype[name] = original;
      };
    });
    try {
      await call(100);
    } finally {
      for (const one of restore) one();
    }
    call.socket.destroy();
    // A hundred events of one upstream write come in one read, or in two at a buffer's edge.
    assert.ok(writes >= 100 && writes <= most, `${writes} writes for 100 streams of 100 events`);
  });
}

test('nobody has the headers of a request folded into an object', async () => {
  await using gateway = await start({});
  const call = await caller(gateway, plain, '');
  let folded = 0;
  const prototype = IncomingMessage.prototype as unknown as { _addHeaderLine(...of: unknown[]): void };
  const original = prototype._addHeaderLine;
  prototype._addHeaderLine = function counted(this: IncomingMessage, ...of: unknown[]) {
    folded += 1;
    return original.apply(this, of);
  };
  try {
    await call(20);
    const reply = await fetch(`${gateway.url}/health`);
    await reply.text();
  } finally {
    prototype._addHeaderLine = original;
  }
  call.socket.destroy();
  assert.equal(folded, 0);
});

function start(plugins: object): Promise<RunningGateway> {
  return startGateway({ plugins: { 'routes/openai': {}, 'providers/openai': upstreamOptions(), ...plugins } });
}

function upstreamOptions() {
  return { baseUrl: `http://127.0.0.1:${upstreamPort}`, keys: [{ name: 'main', value: 'sk-test' }] };
}

interface Caller {
  (times: number): Promise<void>;
  readonly socket: Socket;
}

/** One keep-alive connection that asks the same again and again, at next to no cost of its own. */
async function caller(gateway: RunningGateway, body: string, headers: string): Promise<Caller> {
  const socket = await open(gateway.port);
  const request = Buffer.from(
    `POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  let left = 0;
  let done = (): void => {};
  let missing = -1;
  socket.on('data', (chunk: Buffer) => {
    if (missing < 0) {
      const head = chunk.toString('latin1', 0, 2_048);
      assert.ok(head.startsWith('HTTP/1.1 200'), head);
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      missing = length === undefined ? Number.POSITIVE_INFINITY : head.indexOf('\r\n\r\n') + 4 + Number(length);
    }
    missing -= chunk.length;
    if (missing > 0 && !chunk.subarray(-5).equals(lastChunk)) return;
    missing = -1;
    left -= 1;
    if (left > 0) socket.write(request);
    else done();
  });
  const call = (times: number): Promise<void> =>
    new Promise((resolve) => {
      left = times;
      done = resolve;
      socket.write(request);
    });
  return Object.assign(call, { socket });
}

const lastChunk = Buffer.from('0\r\n\r\n');

/** Connects, waiting for the listener if need be. */
function open(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.on('error', () => setTimeout(() => resolve(open(port)), 50));
  });
}

/** Everything ever allocated; Node from 26 on says so, an older one counts nothing. */
function allocatedBytes(): number {
  return (getHeapStatistics() as { total_allocated_bytes?: number }).total_allocated_bytes ?? 0;
}

function oldGeneration(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!.space_used_size;
}

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { childPids } from './child-pids.ts';
import { type StartedBinary, startBinary } from './started-binary.ts';

/** Starts two workers with a plugin of this text. */
function start(test: TestContext, setup: string): StartedBinary {
  const extra = `import { z } from 'zod'; import { definePlugin } from 'bifrost-kernel/plugin-sdk';
    export default definePlugin({ name: 'extra', options: z.strictObject({}), async setup(_, host) { ${setup} } });`;
  const plugins = { 'routes/openai': {}, 'providers/mock': {}, './extra.ts': {} };
  return startBinary(test, { config: { server: { workers: 2 }, plugins }, files: { 'extra.ts': extra } });
}

/** The worker whose start this is to be says that it serves just after the primary was told to stop. */
const stopBeforeReady = (start: number): string => `
  const { appendFileSync, readFileSync } = await import('node:fs');
  const counter = host.dataDir + '-starts';
  appendFileSync(counter, 'x');
  const send = process.send!;
  if (readFileSync(counter).length === ${start}) process.send = (...args) => {
    if (args[0] !== 'ready') return send.apply(process, args);
    process.kill(process.ppid, 'SIGTERM');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    return send.apply(process, args);
  };
  return {};`;

test('SIGTERM ends the start just before the first worker serves', async (test) => {
  const { exit } = start(test, stopBeforeReady(1));
  assert.equal(await Promise.race([exit, new Promise((done) => setTimeout(done, 20_000, 'hangs').unref())]), 0);
});

test('SIGTERM ends a replacement of workers just before a successor serves', async (test) => {
  const { child, untilSaid, exit } = start(test, stopBeforeReady(3));
  await untilSaid('listening');
  child.kill('SIGUSR2');
  assert.equal(await Promise.race([exit, new Promise((done) => setTimeout(done, 20_000, 'hangs').unref())]), 0);
});

test('SIGUSR2 twice leaves as many workers as there are to be', async (test) => {
  const { child, output, until, untilSaid, exit } = start(test, 'return {};');
  await untilSaid('listening');
  child.kill('SIGUSR2');
  await new Promise((done) => setTimeout(done, 50));
  child.kill('SIGUSR2');
  await until(() => output().split('worker replaced').length === 5);
  await until(() => output().split('"stopped"').length === 5);
  await new Promise((done) => setTimeout(done, 500));
  assert.equal(childPids(child.pid!).length, 2);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

test('SIGHUP while a worker is replaced does not end its successor', async (test) => {
  const { child, output, until, untilSaid, exit } = start(test, 'return {};');
  await untilSaid('listening');
  child.kill('SIGUSR2');
  await new Promise((done) => setTimeout(done, 100));
  child.kill('SIGHUP');
  await until(() => output().split('worker replaced').length === 3);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

test('SIGTERM to the whole process group lets open exchanges finish', async (test) => {
  const { child, url, untilSaid } = start(
    test,
    'return { hooks: { execute: { order: "pre", handler: () => new Promise((done) => setTimeout(done, 1_500)) } } };',
  );
  await untilSaid('listening');
  const replies = Array.from({ length: 4 }, () =>
    fetch(`${url()}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'mock/any', messages: [{ role: 'user', content: 'hello' }] }),
    }).then(({ status }) => status),
  );
  await new Promise((done) => setTimeout(done, 500));
  process.kill(-child.pid!, 'SIGTERM');
  assert.deepEqual(await Promise.all(replies), [200, 200, 200, 200]);
});

test('a config that changes while the plugins are set up is served', async (test) => {
  const { file, url, untilSaid, exit, child } = start(
    test,
    'await new Promise((done) => setTimeout(done, 1_000)); return {};',
  );
  await new Promise((done) => setTimeout(done, 900));
  writeFileSync(file, readFileSync(file, 'utf8').replace('"routes/openai":{}', '"routes/openai":{"prefix":"/new"}'));
  await untilSaid('listening');
  const body = JSON.stringify({ model: 'mock/any', messages: [{ role: 'user', content: 'hello' }] });
  const headers = { 'content-type': 'application/json', connection: 'close' };
  // Both workers serve it once ten calls in a row, on connections of their own, were answered.
  let inARow = 0;
  for (let i = 0; i < 500 && inARow < 10; i++) {
    const { status } = await fetch(`${url()}/new/v1/chat/completions`, { method: 'POST', body, headers });
    inARow = status === 404 ? 0 : inARow + 1;
    if (inARow === 0) await new Promise((done) => setTimeout(done, 20));
  }
  assert.equal(inARow, 10);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

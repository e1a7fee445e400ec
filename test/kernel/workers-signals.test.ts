import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { childPids } from './child-pids.ts';

const main = resolve(import.meta.dirname, '../../kernel/main.js');

interface Started {
  readonly child: ChildProcess;
  readonly url: () => string;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

/** Starts two workers with a plugin of this text, in a process group of their own. */
function start(test: TestContext, plugin: string, more: object = {}): Started & { file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-signals-'));
  writeFileSync(
    join(folder, 'extra.ts'),
    `import { z } from 'zod'; import { definePlugin } from 'bifrost-kernel/plugin-sdk';
    export default definePlugin({ name: 'extra', options: z.strictObject({}), async setup(_, host) { ${plugin} } });`,
  );
  const file = join(folder, 'config.json');
  const plugins = { 'routes/openai': {}, 'providers/mock': { ...more }, './extra.ts': {} };
  writeFileSync(file, JSON.stringify({ server: { workers: 2 }, plugins }));
  const child = spawn(process.execPath, [main, 'start', '--config', file, '--port', '0', '--log-format', 'json'], {
    detached: true,
    env: { ...process.env, BIFROST_DATA_DIR: join(folder, 'data') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (bytes) => (output += bytes));
  const exit = new Promise<number | null>((done) => child.once('exit', done));
  test.after(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {}
    rmSync(folder, { recursive: true, force: true });
  });
  return { child, file, output: () => output, exit, url: () => /"url":"([^"]+)"/.exec(output)![1]! };
}

async function until(holds: () => boolean, what: () => string): Promise<void> {
  for (let i = 0; i < 1_500 && !holds(); i++) await new Promise((done) => setTimeout(done, 20));
  assert.ok(holds(), what());
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
  const { child, output, exit } = start(test, stopBeforeReady(3));
  await until(() => output().includes('listening'), output);
  child.kill('SIGUSR2');
  assert.equal(await Promise.race([exit, new Promise((done) => setTimeout(done, 20_000, 'hangs').unref())]), 0);
});

test('SIGUSR2 twice leaves as many workers as there are to be', async (test) => {
  const { child, output, exit } = start(test, 'return {};');
  await until(() => output().includes('listening'), output);
  child.kill('SIGUSR2');
  await new Promise((done) => setTimeout(done, 50));
  child.kill('SIGUSR2');
  await until(() => output().split('worker replaced').length === 5, output);
  await until(() => output().split('"stopped"').length === 5, output);
  await new Promise((done) => setTimeout(done, 500));
  assert.equal(childPids(child.pid!).length, 2);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

test('SIGHUP while a worker is replaced does not end its successor', async (test) => {
  const { child, output, exit } = start(test, 'return {};');
  await until(() => output().includes('listening'), output);
  child.kill('SIGUSR2');
  await new Promise((done) => setTimeout(done, 100));
  child.kill('SIGHUP');
  await until(() => output().split('worker replaced').length === 3, output);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

test('SIGTERM to the whole process group lets open exchanges finish', async (test) => {
  const { child, url, output } = start(
    test,
    'return { hooks: { execute: { order: "pre", handler: () => new Promise((done) => setTimeout(done, 1_500)) } } };',
  );
  await until(() => output().includes('listening'), output);
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
  const { file, output, exit, child } = start(test, 'await new Promise((done) => setTimeout(done, 1_000)); return {};');
  await new Promise((done) => setTimeout(done, 900));
  writeFileSync(file, readFileSync(file, 'utf8').replace('"routes/openai":{}', '"routes/openai":{"prefix":"/new"}'));
  await until(() => output().includes('listening'), output);
  const url = /"url":"([^"]+)"/.exec(output())![1];
  const body = JSON.stringify({ model: 'mock/any', messages: [{ role: 'user', content: 'hello' }] });
  const headers = { 'content-type': 'application/json', connection: 'close' };
  // Both workers serve it once ten calls in a row, on connections of their own, were answered.
  let inARow = 0;
  for (let i = 0; i < 500 && inARow < 10; i++) {
    const { status } = await fetch(`${url}/new/v1/chat/completions`, { method: 'POST', body, headers });
    inARow = status === 404 ? 0 : inARow + 1;
    if (inARow === 0) await new Promise((done) => setTimeout(done, 20));
  }
  assert.equal(inARow, 10);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

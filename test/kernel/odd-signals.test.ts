import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { startBinary } from './started-binary.ts';

const deadline = { timeout: 60_000, skip: process.platform === 'win32' ? 'signals' : false };
const plugins = { 'routes/openai': {}, 'providers/mock': {} };

test('SIGHUP before the config is read does not end the start', deadline, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-early-'));
  const pipe = join(folder, 'config.json');
  execFileSync('mkfifo', [pipe]);
  const main = resolve(import.meta.dirname, '../../kernel/main.js');
  const gateway = spawn(process.execPath, [main, 'start', '--config', pipe, '--port', '0', '--log-format', 'json']);
  t.after(() => {
    gateway.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const exit = new Promise((done) => gateway.once('exit', (code, signal) => done(code ?? signal)));
  const listening = new Promise((done) => {
    gateway.stdout.on('data', (text) => String(text).includes('listening') && done('listening'));
  });
  // Opens once the gateway does, to read.
  const file = await open(pipe, 'w');
  gateway.kill('SIGHUP');
  await new Promise((done) => setTimeout(done, 100));
  await file.writeFile(JSON.stringify({ dataDir: join(folder, 'data'), plugins }));
  await file.close();
  assert.equal(await Promise.race([listening, exit]), 'listening');
});

for (const workers of [1, 2]) {
  test(`SIGUSR2 to each process, with workers: ${workers}, ends no call`, deadline, async (t) => {
    const slow = { 'providers/mock': { latencyMs: 1_500 } };
    const gateway = startBinary(t, { config: { server: { workers }, plugins: { ...plugins, ...slow } } });
    await gateway.untilSaid('listening');
    const reply = fetch(`${gateway.url()}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'hi' }] }),
    });
    await new Promise((done) => setTimeout(done, 300));
    process.kill(-gateway.child.pid!, 'SIGUSR2');
    assert.equal((await reply).status, 200, gateway.output());
    await gateway.untilSaid(workers === 1 ? 'SIGUSR2' : 'worker replaced');
    assert.equal(gateway.child.exitCode, null);
  });
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { probe } from '../../kernel/listeners.ts';

const deadline = { timeout: 60_000, skip: process.platform === 'linux' ? false : '/dev/full is of Linux' };
const main = resolve(import.meta.dirname, '../../kernel/main.js');
const talkative = `import { z } from 'zod';
import { definePlugin } from 'bifrost-kernel/plugin-sdk';
export default definePlugin({
  name: 'talkative',
  options: z.strictObject({}),
  setup: (_options, host) => ({ hooks: { preRoute: () => void host.log.warn({ text: 'x'.repeat(200_000) }, 'long') } }),
});`;

for (const format of ['json', 'pretty']) {
  test(
    `a disk without room for the log (${format}) ends neither calls nor the process, which stops as ever`,
    deadline,
    async (t) => {
      await serveAndStop(t, format, openSync('/dev/full', 'w'));
    },
  );

  test(`a log (${format}) that nobody reads any more delays neither calls nor the end`, deadline, async (t) => {
    await serveAndStop(t, format, 'pipe');
  });
}

async function serveAndStop(t: TestContext, format: string, stdout: number | 'pipe'): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-log-'));
  const plugins = { 'routes/openai': {}, 'providers/mock': {}, 'plugins/access-log': {}, './talkative.ts': {} };
  writeFileSync(join(folder, 'talkative.ts'), talkative);
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ dataDir: join(folder, 'data'), plugins }));
  const port = await probe('127.0.0.1', 0);
  const of = ['--config', join(folder, 'config.json'), '--port', String(port), '--log-format', format];
  const gateway = spawn(process.execPath, [main, 'start', ...of], { stdio: ['ignore', stdout, 'pipe'] });
  t.after(() => {
    gateway.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  let errors = '';
  gateway.stderr!.on('data', (bytes) => (errors += bytes));
  const ended = new Promise((done) => gateway.once('exit', (code, signal) => done(code ?? signal)));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 200 && !(await isUp(url)); tries++) await new Promise((done) => setTimeout(done, 50));
  for (let i = 0; i < 10; i++) assert.equal(await ask(url), 200, errors);
  // The access log is written behind them.
  await new Promise((done) => setTimeout(done, 1_500));
  assert.equal(await ask(url), 200, errors);
  gateway.kill('SIGTERM');
  const late = new Promise((done) => setTimeout(done, 15_000, 'still there').unref());
  assert.equal(await Promise.race([ended, late]), 0, errors);
}

function isUp(url: string): Promise<boolean> {
  return fetch(`${url}/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function ask(url: string): Promise<number> {
  const reply = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'hi' }] }),
    signal: AbortSignal.timeout(5_000),
  });
  await reply.arrayBuffer();
  return reply.status;
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const main = resolve(import.meta.dirname, '../../kernel/main.js');

/** Says on SIGTERM what is loaded by then: files, and what is built into Node. */
const watcher = `import { registerHooks } from 'node:module';
const files = [];
registerHooks({ load(url, context, next) { if (url.startsWith('file:')) files.push(url); return next(url, context); } });
process.once('SIGTERM', () => process._rawDebug(JSON.stringify({ files, builtIn: process.moduleLoadList })));`;

/** Starts the built-in default config and stops it as soon as it listens. */
async function loadedAtStart(): Promise<{ readonly files: string[]; readonly builtIn: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-start-'));
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(watcher)}`, main, 'start', '--port', '0'],
    { cwd: folder, env: { ...process.env, BIFROST_DATA_DIR: folder, BIFROST_ADMIN_TOKEN: 'test' } },
  );
  let output = '';
  let report = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (output.includes('listening')) child.kill('SIGTERM');
  });
  child.stderr.on('data', (chunk) => (report += chunk));
  await new Promise((done) => child.once('close', done));
  rmSync(folder, { recursive: true, force: true });
  const line = report.split('\n').find((text) => text.startsWith('{'));
  assert.ok(line, `the gateway did not start: ${output}${report}`);
  return JSON.parse(line);
}

test('a start loads little: no translation, no metrics client, no fetch and no TLS before something needs them', async () => {
  const { files, builtIn } = await loadedAtStart();
  const early = files.filter((url) =>
    /\/codec\.ts|\/prom-client\/|\/@opentelemetry\/|\/@smithy\/|\/node-server\//.test(url),
  );
  assert.deepEqual(early, []);
  const heavy = ['internal/deps/undici/undici', 'tls', 'http2'].filter((id) => builtIn.includes(`NativeModule ${id}`));
  assert.deepEqual(heavy, []);
  assert.ok(files.length < 725, `${files.length} modules at start: what of them can wait for its first use?`);
});

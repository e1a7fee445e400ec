import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';

const main = resolve(import.meta.dirname, '../../kernel/main.js');

/** Says on SIGTERM what is loaded by then: files, and what is built into Node. */
const watcher = `import { registerHooks } from 'node:module';
const files = [];
registerHooks({ load(url, context, next) { if (url.startsWith('file:')) files.push(url); return next(url, context); } });
process.once('SIGTERM', () => process._rawDebug(JSON.stringify({ files, builtIn: process.moduleLoadList })));`;

/** Starts the built-in default config and stops it when it listens and there is as much as wanted of what it keeps for the next. */
async function loadedAtStart(
  folder: string,
  keepsEnough = () => true,
): Promise<{ readonly files: string[]; readonly builtIn: string[] }> {
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(watcher)}`, main, 'start', '--port', '0'],
    {
      cwd: folder,
      env: {
        ...process.env,
        BIFROST_DATA_DIR: join(folder, 'data'),
        BIFROST_ADMIN_TOKEN: 'test',
        NODE_COMPILE_CACHE: join(folder, 'compiled'),
      },
    },
  );
  let output = '';
  let report = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (report += chunk));
  const look = setInterval(() => {
    if (output.includes('listening') && keepsEnough()) child.kill('SIGTERM');
  }, 10);
  await new Promise((done) => child.once('close', done));
  clearInterval(look);
  const line = report.split('\n').find((text) => text.startsWith('{'));
  assert.ok(line, `the gateway did not start: ${output}${report}`);
  return JSON.parse(line);
}

test('a start loads little: no translation, no metrics client, no fetch and no TLS before something needs them', async (t) => {
  const { files, builtIn } = await loadedAtStart(temporaryFolder(t));
  const early = files.filter((url) =>
    /\/codec\.ts|\/prom-client\/|\/@opentelemetry\/|\/@smithy\/|\/node-server\//.test(url),
  );
  assert.deepEqual(early, []);
  const heavy = ['internal/deps/undici/undici', 'tls', 'http2'].filter((id) => builtIn.includes(`NativeModule ${id}`));
  assert.deepEqual(heavy, []);
  assert.ok(files.length < 725, `${files.length} modules at start: what of them can wait for its first use?`);
});

test('the second start finds its own modules in one file', async (t) => {
  const folder = temporaryFolder(t);
  const hasSources = (): boolean =>
    readdirSync(join(folder, 'compiled'), { recursive: true }).some((name) => String(name).endsWith('.sources'));
  const first = await loadedAtStart(folder, hasSources);
  const second = await loadedAtStart(folder);
  const own = ({ files }: { files: string[] }): string[] => files.filter((url) => !url.includes('/node_modules/'));
  assert.ok(own(first).length > 200, `${own(first).length} files the first time`);
  const ownAgain = own(second).map((url) => url.slice(url.lastIndexOf('/') + 1));
  assert.deepEqual(ownAgain, ['main.js', 'source-cache.ts']);
});

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-start-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

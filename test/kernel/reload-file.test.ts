import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { childPids } from './child-pids.ts';

const main = resolve(import.meta.dirname, '../../kernel/main.js');

interface Running {
  readonly child: ChildProcess;
  readonly port: () => string;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
  /** Writes the config anew. */
  readonly change: (config: object) => void;
}

/** Starts the binary with this config in a file that can be changed, and waits until it listens. */
async function start(test: TestContext, config: object, ...args: string[]): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-reload-'));
  const file = join(folder, 'config.json');
  const change = (next: object): void => writeFileSync(file, JSON.stringify(next));
  change(config);
  const child = spawn(
    process.execPath,
    [main, 'start', '--config', file, '--port', '0', '--log-format', 'json', ...args],
    {
      detached: true,
      env: { ...process.env, BIFROST_DATA_DIR: join(folder, 'data') },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (bytes) => (output += bytes));
  const exit = new Promise<number | null>((done) => child.once('exit', done));
  test.after(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {}
    rmSync(folder, { recursive: true, force: true });
  });
  const running = { child, output: () => output, exit, change, port: () => /"url":"[^"]+:(\d+)"/.exec(output)![1]! };
  await until(() => output.includes('"listening"'), running.output);
  return running;
}

async function until(holds: () => boolean, what: () => string): Promise<void> {
  for (let i = 0; i < 1_000 && !holds(); i++) await new Promise((done) => setTimeout(done, 20));
  assert.ok(holds(), what());
}

/** How often a line says this. */
const times = (output: string, text: string): number => output.split(text).length - 1;

function ask({ port }: Running, text = 'hi', stream = false): Promise<Response> {
  return fetch(`http://127.0.0.1:${port()}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'mock/echo', stream, messages: [{ role: 'user', content: text }] }),
  });
}

const refusal = 'Refusing to listen on 0.0.0.0 without identity';
const open = { 'routes/openai': {}, 'providers/mock': {} };
const governed = { ...open, 'plugins/governance': { required: true } };

for (const [what, plugins, server, args] of [
  ['is no longer required', { ...governed, 'plugins/governance': { required: false } }, { host: '0.0.0.0' }, []],
  ['is gone', open, {}, ['--host', '0.0.0.0']],
] as const) {
  test(`a public gateway stays closed to callers without a key when the file says that identity ${what}`, async (t) => {
    const running = await start(t, { server, plugins: governed }, ...args);
    assert.equal((await ask(running)).status, 401);
    running.change({ server, plugins });
    await until(() => /config reloaded|reload failed/.test(running.output()), running.output);
    assert.match(running.output(), new RegExp(`"err":"${refusal}: .*reload failed; the old config stays`));
    assert.equal((await ask(running)).status, 401);
    running.change({ server, plugins: { ...governed, 'plugins/pricing': {} } });
    await until(() => running.output().includes('config reloaded'), running.output);
    assert.equal((await ask(running)).status, 401);
    running.child.kill('SIGTERM');
    assert.equal(await running.exit, 0);
  });
}

test('what counts at a reload is the address that is listened on, whatever the file says of it, in every worker', async (t) => {
  const running = await start(t, { server: { workers: 2, host: '0.0.0.0' }, plugins: governed });
  running.change({ server: { workers: 2, host: '127.0.0.1' }, plugins: open });
  await until(() => /(?:(?:config reloaded|reload failed)[\s\S]*){2}/.test(running.output()), running.output);
  assert.equal(times(running.output(), refusal), 2, running.output());
  for (let i = 0; i < 10; i++) assert.equal((await ask(running)).status, 401);
  // One that starts later listens where the others do, and so may not either.
  process.kill(childPids(running.child.pid!)[0]!, 'SIGKILL');
  await until(() => times(running.output(), refusal) > 2, running.output);
  for (let i = 0; i < 10; i++) assert.equal((await ask(running)).status, 401);
  running.child.kill('SIGTERM');
  assert.equal(await running.exit, 0);
});

test('with --insecure, and on a local address, a reload may open the gateway', async (t) => {
  for (const args of [['--host', '0.0.0.0', '--insecure'], []]) {
    const running = await start(t, { plugins: governed }, ...args);
    assert.equal((await ask(running)).status, 401);
    running.change({ server: { host: args.length === 0 ? '0.0.0.0' : '127.0.0.1' }, plugins: open });
    await until(() => running.output().includes('config reloaded'), running.output);
    assert.equal((await ask(running)).status, 200);
    running.child.kill('SIGTERM');
    assert.equal(await running.exit, 0);
  }
});

test('a reload names every setting that waits for the next start, and no other', async (t) => {
  const running = await start(t, { plugins: open });
  running.change({
    server: { drainMs: 100, keepAliveCommentMs: 100, host: '127.0.0.2' },
    log: { level: 'debug', format: 'pretty' },
    plugins: open,
  });
  await until(() => running.output().includes('config reloaded'), running.output);
  // The format comes from the command line, whatever the file says.
  assert.match(
    running.output(),
    /"settings":\["server\.host","log\.level"\],"msg":"these settings change at the next start"/,
  );
  running.child.kill('SIGTERM');
  assert.equal(await running.exit, 0);
});

test('the time to drain is that of the config which was read last', async (t) => {
  const plugins = { 'routes/openai': {}, 'providers/mock': { chunks: 5, chunkDelayMs: 1_000 } };
  const running = await start(t, { plugins });
  running.change({ server: { drainMs: 200 }, plugins });
  await until(() => running.output().includes('config reloaded'), running.output);
  const reply = await ask(running, 'one two three four five', true);
  running.child.kill('SIGTERM');
  const since = performance.now();
  await reply.text().catch(() => undefined);
  assert.equal(await running.exit, 0);
  assert.ok(performance.now() - since < 3_000, `${performance.now() - since} ms`);
});

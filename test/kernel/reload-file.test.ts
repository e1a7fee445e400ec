import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { childPids } from './child-pids.ts';
import { type StartedBinary, startBinary } from './started-binary.ts';

interface Running extends StartedBinary {
  /** Writes the config anew. */
  readonly change: (config: object) => void;
}

/** Starts the binary and waits until it listens. */
async function start(test: TestContext, config: object, ...args: string[]): Promise<Running> {
  const binary = startBinary(test, { config, args });
  await binary.untilSaid('"listening"');
  return { ...binary, change: (next) => writeFileSync(binary.file, JSON.stringify(next)) };
}

/** How often a line says this. */
const times = (output: string, text: string): number => output.split(text).length - 1;

function ask({ url }: Running, text = 'hi', stream = false): Promise<Response> {
  return fetch(`http://127.0.0.1:${new URL(url()).port}/openai/v1/chat/completions`, {
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
    await running.until(() => /config reloaded|reload failed/.test(running.output()));
    assert.match(running.output(), new RegExp(`"err":"${refusal}: .*reload failed; the old config stays`));
    assert.equal((await ask(running)).status, 401);
    running.change({ server, plugins: { ...governed, 'plugins/pricing': {} } });
    await running.untilSaid('config reloaded');
    assert.equal((await ask(running)).status, 401);
    running.child.kill('SIGTERM');
    assert.equal(await running.exit, 0);
  });
}

test('what counts at a reload is the address that is listened on, whatever the file says of it, in every worker', async (t) => {
  const running = await start(t, { server: { workers: 2, host: '0.0.0.0' }, plugins: governed });
  running.change({ server: { workers: 2, host: '127.0.0.1' }, plugins: open });
  await running.until(() => /(?:(?:config reloaded|reload failed)[\s\S]*){2}/.test(running.output()));
  assert.equal(times(running.output(), refusal), 2, running.output());
  for (let i = 0; i < 10; i++) assert.equal((await ask(running)).status, 401);
  // One that starts later listens where the others do, and so may not either.
  process.kill(childPids(running.child.pid!)[0]!, 'SIGKILL');
  await running.until(() => times(running.output(), refusal) > 2);
  for (let i = 0; i < 10; i++) assert.equal((await ask(running)).status, 401);
  running.child.kill('SIGTERM');
  assert.equal(await running.exit, 0);
});

test('with --insecure, and on a local address, a reload may open the gateway', async (t) => {
  for (const args of [['--host', '0.0.0.0', '--insecure'], []]) {
    const running = await start(t, { plugins: governed }, ...args);
    assert.equal((await ask(running)).status, 401);
    running.change({ server: { host: args.length === 0 ? '0.0.0.0' : '127.0.0.1' }, plugins: open });
    await running.untilSaid('config reloaded');
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
  await running.untilSaid('config reloaded');
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
  await running.untilSaid('config reloaded');
  const reply = await ask(running, 'one two three four five', true);
  running.child.kill('SIGTERM');
  const since = performance.now();
  await reply.text().catch(() => undefined);
  assert.equal(await running.exit, 0);
  assert.ok(performance.now() - since < 3_000, `${performance.now() - since} ms`);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { childPids } from './child-pids.ts';
import { startBinary } from './started-binary.ts';

/** What a plugin leaves running fails outside of any call: nobody can catch it but the process. */

/** A model's name says what the plugin does beside the call. */
const culprit = `import { z } from 'zod';
import { definePlugin } from 'bifrost-kernel/plugin-sdk';
async function forgotten() { throw new Error('nobody waits for this'); }
export default definePlugin({
  name: 'culprit',
  options: z.strictObject({}),
  setup: () => ({
    hooks: {
      preRoute(exchange) {
        if (exchange.model === 'mock/rejects') void forgotten();
        if (exchange.model === 'mock/rejects-nothing') void Promise.reject(undefined);
        if (exchange.model === 'mock/throws') setTimeout(() => { throw new Error('nobody catches this'); });
      },
    },
  }),
});`;

async function start(test: TestContext, workers: number) {
  const plugins = { 'routes/openai': {}, 'providers/mock': {}, './culprit.ts': {} };
  const config = { server: { workers }, plugins };
  const { child, exit, until, untilSaid, output, url } = startBinary(test, {
    config,
    files: { 'culprit.ts': culprit },
  });
  await untilSaid('"listening"');
  return {
    child,
    exit,
    until,
    /** Lines of the log whose error says this. */
    lines: (message: string): { level: number; msg: string; err: { stack: string } }[] =>
      output()
        .split('\n')
        .filter((line) => line.startsWith('{') && line.includes(message))
        .map((line) => JSON.parse(line)),
    ask: (model: string): Promise<Response> =>
      fetch(`${url()}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: JSON.stringify({ model: `mock/${model}`, messages: [{ role: 'user', content: 'hello' }] }),
      }),
  };
}

for (const workers of [1, 2]) {
  test(`a rejection that nobody handles is logged and ends nothing, with ${workers} serving`, async (test) => {
    const { child, ask, lines, until, exit } = await start(test, workers);
    const pids = childPids(child.pid!);
    assert.equal((await ask('rejects')).status, 200);
    assert.equal((await ask('rejects-nothing')).status, 200);
    await until(() => lines('nobody waits for this').length > 0 && lines('rejected').length > 1);
    const [line] = lines('nobody waits for this');
    assert.equal(line!.level, 50);
    assert.match(line!.err.stack, /culprit\.ts/);
    assert.equal((await ask('echo')).status, 200);
    if (workers > 1) assert.deepEqual(childPids(child.pid!), pids);
    child.kill('SIGTERM');
    assert.equal(await exit, 0);
  });
}

test('an exception that nobody catches is logged and ends the process', async (test) => {
  const { ask, lines, exit } = await start(test, 1);
  await ask('throws').catch(() => undefined);
  assert.equal(await exit, 1);
  const [line] = lines('nobody catches this');
  assert.equal(line!.level, 50);
  assert.match(line!.err.stack, /culprit\.ts/);
});

test('an exception that nobody catches ends one worker, which is replaced', async (test) => {
  const { child, ask, lines, until, exit } = await start(test, 2);
  const pids = childPids(child.pid!);
  await ask('throws').catch(() => undefined);
  await until(() => lines('nobody catches this').length > 0 && lines('a worker died').length > 0);
  await until(() => childPids(child.pid!).length === 2 && childPids(child.pid!).join() !== pids.join());
  assert.equal(childPids(child.pid!).filter((pid) => pids.includes(pid)).length, 1);
  assert.equal((await ask('echo')).status, 200);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});

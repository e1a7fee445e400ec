import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { definePlugin, type PluginDefinition } from '../../plugin-sdk/index.ts';
import { chatGateway, plugin } from './chat-gateway.ts';

const never = (): Promise<void> => new Promise(() => {});

/** Lets whatever waits for a timer go on, until `promise` is settled. */
async function passTime<T>(context: TestContext, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = promise.finally(() => {
    settled = true;
  });
  done.catch(() => {});
  for (const end = performance.now() + 3_000; performance.now() < end && !settled; ) {
    await new Promise((next) => setImmediate(next));
    context.mock.timers.tick(100);
  }
  assert.ok(settled, 'it hangs');
  return done;
}

test('a teardown that never ends is named, and those set up before it are torn down all the same', async (context) => {
  const down: string[] = [];
  const first = plugin('first', { teardown: () => void down.push('first') });
  const hanging = plugin('hanging', { teardown: never });
  const last = plugin('last', { teardown: () => void down.push('last') });
  const gateway = await chatGateway({ first, hanging, last });
  context.mock.timers.enable({ apis: ['setTimeout'] });
  await passTime(context, gateway.gateway.close());
  context.mock.timers.reset();
  assert.deepEqual(down, ['last', 'first']);
  const [line, ...more] = gateway.logs.filter(({ fields }) => fields['plugin'] === 'hanging');
  assert.deepEqual([line?.level, line?.message, more], ['error', 'teardown did not end', []]);
  await gateway.close();
});

test('a teardown that fails after its time is no concern of the process', async (context) => {
  const { promise, reject } = Promise.withResolvers<void>();
  const late = plugin('late', { teardown: () => promise });
  const gateway = await chatGateway({ late });
  context.mock.timers.enable({ apis: ['setTimeout'] });
  await passTime(context, gateway.gateway.close());
  context.mock.timers.reset();
  reject(new Error('too late'));
  await new Promise((next) => setImmediate(next));
  assert.ok(gateway.logs.some(({ fields }) => String(fields['err']).includes('too late')));
  await gateway.close();
});

test('after a reload a teardown may take its time', async (context) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const patient = plugin('patient', { teardown: () => promise });
  const down: string[] = [];
  const first = plugin('first', { teardown: () => void down.push('first') });
  await using gateway = await chatGateway({ first, patient });
  await gateway.reload({ hookTimeoutMs: 9_000 });
  await new Promise((next) => setImmediate(next));
  context.mock.timers.enable({ apis: ['setTimeout'] });
  context.mock.timers.tick(60_000);
  await new Promise((next) => setImmediate(next));
  context.mock.timers.reset();
  assert.deepEqual(down, []);
  resolve();
  await new Promise((next) => setImmediate(next));
  assert.deepEqual(down, ['first']);
  assert.ok(!gateway.logs.some(({ fields }) => fields['plugin'] === 'patient'));
});

test('a failed setup is told although a teardown of its rollback never ends', async (context) => {
  const down: string[] = [];
  const first = plugin('first', { teardown: () => void down.push('first') });
  const hanging = plugin('hanging', { teardown: never });
  const failing = definePlugin({
    name: 'failing',
    options: z.strictObject({}),
    setup: () => assert.fail('no such file'),
  }) as unknown as PluginDefinition;
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const starting = chatGateway({ first, hanging, failing });
  await assert.rejects(passTime(context, starting), /failing did not set up: no such file/);
  assert.deepEqual(down, ['first']);
});

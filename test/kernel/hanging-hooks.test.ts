import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHooks, run } from '../../kernel/hooks.ts';
import { type Tap, toObserver, toTap } from '../../kernel/tap.ts';
import { GatewayError, isGatewayError, type Logger, type Reply } from '../../plugin-sdk/index.ts';

/** The ways in which a bare tapable hook never settles; each must end with an error that names the plugin. */

const lines: object[] = [];
const log: Logger = {
  debug() {},
  info() {},
  warn: (fields) => lines.push(fields),
  error: (fields) => lines.push(fields),
};
const exchange = { id: 'req_test', timeline: undefined } as never;
const taken = () => ({ runs: 0, failures: 0, totalMs: 0, maxMs: 0 });
const tap = (plugin: string, more: Partial<Tap> = {}): Tap => ({
  plugin,
  hook: 'preRoute',
  timeoutMs: 50,
  failOpen: false,
  log,
  taken: taken(),
  ...more,
});
const later = <T>(value?: T): Promise<T | undefined> => new Promise((resolve) => setTimeout(() => resolve(value), 5));

function preRoute(...handlers: [string, (exchange: unknown) => unknown, Partial<Tap>?][]) {
  const hook = createHooks().preRoute;
  for (const [plugin, handler, more] of handlers) hook.tapAsync(plugin, toTap(tap(plugin, more), handler as never));
  return hook;
}

async function failureOf(hook: ReturnType<typeof preRoute>): Promise<GatewayError> {
  try {
    await run(hook, exchange, exchange);
  } catch (error) {
    assert.ok(isGatewayError(error));
    return error;
  }
  throw new Error('the hook did not fail');
}

test('a later handler that throws before its first await fails the hook and is named', async () => {
  const error = await failureOf(preRoute(['first', () => later()], ['second', () => assert.fail('boom')]));
  assert.equal(error.code, 'PLUGIN_FAILED');
  assert.deepEqual([error.plugin, error.hook], ['second', 'preRoute']);
  assert.equal((error.cause as Error).message, 'boom');
});

test('a later handler that returns a plain value after an asynchronous one settles the hook', async () => {
  const answer = { status: 200 } as unknown as Reply;
  assert.equal(await run(preRoute(['first', () => later()], ['second', () => answer]), exchange, exchange), answer);
});

test('a later asynchronous handler that rejects fails the hook and is named', async () => {
  const error = await failureOf(preRoute(['first', () => later()], ['second', () => Promise.reject(new Error('no'))]));
  assert.deepEqual([error.code, error.plugin], ['PLUGIN_FAILED', 'second']);
});

test('a rejection with undefined is still a failure', async () => {
  const error = await failureOf(preRoute(['first', () => Promise.reject(undefined)]));
  assert.equal(error.code, 'PLUGIN_FAILED');
});

test('a promise that settles twice settles the hook once', async () => {
  let calls = 0;
  // biome-ignore lint/suspicious/noThenProperty: it plays a promise that breaks the rules
  const twice = { then: (resolve: () => void) => [resolve(), resolve()] };
  const hook = preRoute(['first', () => twice], ['second', () => void (calls += 1)]);
  assert.equal(await run(hook, exchange, exchange), undefined);
  assert.equal(calls, 1);
});

test('an asynchronous handler that resolves to undefined has no opinion', async () => {
  const answer = { status: 204 } as unknown as Reply;
  assert.equal(
    await run(preRoute(['first', () => later()], ['second', () => later(answer)]), exchange, exchange),
    answer,
  );
});

test('null means no opinion too', async () => {
  const answer = { status: 204 } as unknown as Reply;
  assert.equal(await run(preRoute(['first', () => null], ['second', () => answer]), exchange, exchange), answer);
});

test('a handler that never settles is cut off at its time limit', async () => {
  const error = await failureOf(preRoute(['slow', () => new Promise(() => {})]));
  assert.deepEqual([error.code, error.plugin, error.status], ['PLUGIN_TIMEOUT', 'slow', 504]);
});

test('a handler that blocks longer than its time limit is named once it gives way', async () => {
  const error = await failureOf(
    preRoute([
      'busy',
      () => {
        const end = performance.now() + 70;
        while (performance.now() < end);
      },
    ]),
  );
  assert.deepEqual([error.code, error.plugin], ['PLUGIN_TIMEOUT', 'busy']);
});

test('a wrong value is refused and its plugin named', async () => {
  const check = (value: unknown) => (typeof value === 'object' ? undefined : 'expected an object');
  const error = await failureOf(preRoute(['odd', () => 'text', { check }]));
  assert.deepEqual([error.code, error.plugin], ['PLUGIN_BAD_RESULT', 'odd']);
});

test('failOpen goes on without a plugin that throws, hangs or answers nonsense', async () => {
  const check = () => 'nonsense';
  const hook = preRoute(
    ['throws', () => assert.fail('boom'), { failOpen: true }],
    ['hangs', () => new Promise(() => {}), { failOpen: true }],
    ['odd', () => 'text', { failOpen: true, check }],
  );
  lines.length = 0;
  assert.equal(await run(hook, exchange, exchange), undefined);
  assert.equal(lines.length, 3);
});

test('failOpen does not lift a refusal', async () => {
  const refuse = (): never => {
    throw new GatewayError('AUTH_MISSING', {});
  };
  assert.equal((await failureOf(preRoute(['governance', refuse, { failOpen: true }]))).code, 'AUTH_MISSING');
});

test('an observer that throws neither stops the others nor fails the hook', async () => {
  const hook = createHooks().postLog;
  const seen: string[] = [];
  const observer = (plugin: string, handler: () => void | Promise<void>) =>
    hook.tapAsync(plugin, toObserver(tap(plugin, { hook: 'postLog' }), handler));
  observer('throws', () => assert.fail('boom'));
  observer('rejects', () => Promise.reject(new Error('no')));
  observer('works', () => void seen.push('works'));
  lines.length = 0;
  await run(hook as never, {} as never, exchange);
  assert.deepEqual(seen, ['works']);
  assert.equal(lines.length, 2);
});

test('a hook with synchronous handlers gives its answer without a promise', () => {
  const answer = { status: 200 } as unknown as Reply;
  assert.equal(run(preRoute(['first', () => undefined], ['second', () => answer]), exchange, exchange), answer);
});

test('every hook passes both its arguments', () => {
  const { preRoute: _, transformStream: __, transformUsage: ___, ...hooks } = createHooks();
  for (const hook of Object.values(hooks)) {
    let count = 0;
    hook.tapAsync('counter', (...args: unknown[]) => {
      count = args.length - 1;
      (args.at(-1) as () => void)();
    });
    run(hook as never, {} as never, exchange);
    assert.equal(count, 2);
  }
});

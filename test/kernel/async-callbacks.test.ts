import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PluginInstance, StreamTransform } from '../../plugin-sdk/index.ts';
import { ask, type ChatGateway, chatGateway, plugin, streamed } from './chat-gateway.ts';

/** Callbacks that must be synchronous and are not: nobody waits for their promises, so a rejection would end the process. */

const rejects = async (): Promise<never> => {
  await sleep(1);
  throw new Error('secret detail');
};

async function logged(gateway: ChatGateway, message: RegExp): Promise<Record<string, unknown>> {
  const find = () => gateway.logs.find((line) => line.level === 'error' && message.test(line.message ?? ''));
  for (let i = 0; i < 100 && find() === undefined; i++) await sleep(5);
  const { fields } = find() ?? assert.fail(`nothing was logged that matches ${message}`);
  return fields;
}

const callbacks: Record<string, [PluginInstance, RegExp]> = {
  'deferred release': [{ hooks: { preRoute: (exchange) => exchange.defer(rejects) } }, /deferred release failed/],
  'listener for the end of an attempt': [
    { hooks: { selectKey: { order: 'pre', handler: (attempt) => attempt.onEnd(rejects) } } },
    /end of an attempt failed/,
  ],
  'observer of a stream': [
    {
      hooks: {
        transformResponse: { json: () => undefined, stream: () => ({ observes: true, event: rejects }) },
      },
    },
    /observer of a stream failed/,
  ],
  'transform of a stream': [
    { hooks: { transformResponse: { json: () => undefined, stream: () => ({ event: rejects }) } } },
    /a plugin failed/,
  ],
};

for (const [what, [instance, message]] of Object.entries(callbacks)) {
  test(`an asynchronous ${what} that rejects is logged and ends nothing else`, async () => {
    await using gateway = await chatGateway({ culprit: plugin('culprit', instance) });
    gateway.upstream.always({ events: streamed('hello') });
    await (await ask(gateway, { stream: true })).text();
    const { request, err } = await logged(gateway, message);
    assert.match(String(request), /^req_/);
    assert.ok(err instanceof Error);
    // A promise that rejects unhandled would fail this test by then.
    await sleep(20);
    assert.equal((await ask(gateway, { stream: true })).headers.has('x-request-id'), true);
  });
}

for (const [kind, listener] of Object.entries({
  throws: () => {
    throw new Error('secret detail');
  },
  rejects,
})) {
  test(`a listener for a client's leaving that ${kind} is logged and ends nothing else`, async () => {
    const culprit = plugin('culprit', { hooks: { preRoute: (exchange) => void exchange.onClientGone(listener) } });
    await using gateway = await chatGateway({ culprit });
    gateway.upstream.reply({ fault: 'silent' });
    const leaving = ask(gateway, {}, {}, AbortSignal.timeout(100));
    await assert.rejects(leaving);
    const { err } = await logged(gateway, /listener for a client's leaving failed/);
    assert.match(String(err), /secret detail/);
    await sleep(20);
    assert.equal((await ask(gateway, {})).status, 200);
    assert.equal(gateway.gateway.current.open, 0, 'every exchange is settled');
  });
}

type Transform = StreamTransform['event'];
const lost: Record<string, Transform> = {
  'waits before it emits': async (event, emit) => {
    await sleep(1);
    emit(event);
  },
  'is asynchronous and emits at once': async (event, emit) => emit(event),
  'returns the event': ((event: unknown) => event) as unknown as Transform,
  'returns a list of events': ((event: unknown) => [event]) as unknown as Transform,
};

for (const [what, event] of Object.entries(lost)) {
  test(`a stream transform that ${what} ends the stream with an error that says so`, async () => {
    const culprit = plugin('culprit', {
      hooks: { transformResponse: { json: () => undefined, stream: () => ({ event }) } },
    });
    await using gateway = await chatGateway({ culprit });
    gateway.upstream.always({ events: streamed('hello') });
    const text = await (await ask(gateway, { stream: true })).text();
    assert.match(text, /culprit returned a wrong value from transformResponse: .*emit/);
    assert.doesNotMatch(text, /\[DONE\]/);
    assert.deepEqual((await logged(gateway, /a plugin failed/))['err'] instanceof Error, true);
  });
}

test('what a short arrow function leaves behind is no result', async () => {
  const culprit = plugin('culprit', {
    hooks: {
      transformResponse: {
        json: () => undefined,
        stream: () => ({ event: (event, emit) => (event.type !== 'text' || event.text !== 'bad') && emit(event) }),
      },
    },
  });
  await using gateway = await chatGateway({ culprit });
  gateway.upstream.always({ events: streamed('good', 'bad', 'end') });
  assert.match(await (await ask(gateway, { stream: true })).text(), /good.*end.*\[DONE\]/s);
});

test('a `stream` that is asynchronous, or gives no function, is named before the first byte', async () => {
  for (const stream of [async () => ({ event: () => {} }), rejects, () => ({}), () => 'nonsense']) {
    const culprit = plugin('culprit', {
      hooks: { transformResponse: { json: () => undefined, stream: stream as never } },
    });
    await using gateway = await chatGateway({ culprit });
    gateway.upstream.always({ events: streamed('hello') });
    const reply = await ask(gateway, { stream: true });
    assert.equal(reply.status, 500);
    assert.match(await reply.text(), /culprit returned a wrong value from transformResponse/);
  }
});

test('an asynchronous `end` and an asynchronous `omits.test` are named', async () => {
  const transforms: StreamTransform[] = [
    { event: (event, emit) => emit(event), end: rejects },
    { event: (event, emit) => emit(event), omits: { needles: ['hello'], test: rejects as never } },
  ];
  for (const transform of transforms) {
    const culprit = plugin('culprit', {
      hooks: { transformResponse: { json: () => undefined, stream: () => transform } },
    });
    await using gateway = await chatGateway({ culprit });
    gateway.upstream.always({ events: streamed('hello') });
    const text = await (await ask(gateway, { stream: true })).text();
    assert.match(text, /culprit returned a wrong value from transformResponse/);
  }
});

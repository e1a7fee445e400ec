import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HookName, PluginHooks, PluginInstance } from '../../plugin-sdk/index.ts';
import { ask, chatGateway, chunk, plugin, streamed } from './chat-gateway.ts';
import { rawUpstream } from './raw-upstream.ts';

type Misdeed = 'throws' | 'hangs' | 'answers nonsense' | 'loops over its time limit';

const busy = (): undefined => {
  const end = performance.now() + 80;
  while (performance.now() < end);
};
const misdeeds: Record<Misdeed, () => unknown> = {
  throws: () => {
    throw new Error('secret detail');
  },
  hangs: () => new Promise(() => {}),
  'answers nonsense': () => 'nonsense',
  'loops over its time limit': busy,
};
const expected: Record<Misdeed, [number, string]> = {
  throws: [500, 'plugin_failed'],
  hangs: [504, 'plugin_timeout'],
  'answers nonsense': [500, 'plugin_failed'],
  'loops over its time limit': [504, 'plugin_timeout'],
};

function misbehaving(hook: HookName, misdeed: Misdeed, isBad: () => boolean): PluginInstance {
  const handler = () => (isBad() ? misdeeds[misdeed]() : undefined);
  const hooks =
    hook === 'transformResponse'
      ? { transformResponse: { json: handler, stream: () => undefined } }
      : { [hook]: handler };
  return { hooks: hooks as PluginHooks };
}

const refusing: HookName[] = ['preRoute', 'transformRequest', 'selectKey', 'execute', 'transformResponse'];

for (const hook of refusing) {
  for (const misdeed of Object.keys(misdeeds) as Misdeed[]) {
    test(`a plugin that ${misdeed} in ${hook} is named, and the next request is unaffected`, async () => {
      let bad = true;
      await using gateway = await chatGateway(
        {
          culprit: plugin(
            'culprit',
            misbehaving(hook, misdeed, () => bad),
          ),
        },
        { hookTimeoutMs: 40 },
      );
      const failed = await ask(gateway, {});
      const [status, code] = expected[misdeed];
      const { error } = (await failed.json()) as { error: { message: string; code: string } };
      assert.deepEqual([failed.status, error.code], [status, code]);
      assert.match(error.message, new RegExp(`culprit .*${hook}`));
      assert.doesNotMatch(error.message, /secret detail/);
      assert.match(failed.headers.get('x-request-id') ?? '', /^req_/);

      bad = false;
      const next = await ask(gateway, {});
      assert.equal(next.status, 200);
      await next.text();
    });
  }
}

for (const misdeed of ['throws', 'hangs', 'loops over its time limit'] as const) {
  test(`a plugin that ${misdeed} in postLog costs no request and is named in the log`, async () => {
    await using gateway = await chatGateway(
      {
        culprit: plugin(
          'culprit',
          misbehaving('postLog', misdeed, () => true),
        ),
      },
      { hookTimeoutMs: 40 },
    );
    assert.equal((await ask(gateway, {})).status, 200);
    await until(() =>
      gateway.logs.some(
        ({ level, fields }) => level === 'error' && fields['plugin'] === 'culprit' && fields['hook'] === 'postLog',
      ),
    );
    assert.equal((await ask(gateway, {})).status, 200);
  });
}

test('a stream transform that throws ends the stream with an error event and no [DONE]', async () => {
  const culprit = plugin('culprit', {
    hooks: {
      transformResponse: {
        json: () => undefined,
        stream: () => ({
          event(event, emit) {
            if (event.type === 'text' && event.text === 'bad') throw new Error('secret detail');
            emit(event);
          },
        }),
      },
    },
  });
  await using gateway = await chatGateway({ culprit });
  gateway.upstream.always({ events: streamed('good', 'bad', 'never') });
  const text = await (await ask(gateway, { stream: true })).text();
  assert.match(text, /good/);
  assert.match(text, /"error":\{"message":"The plugin culprit failed in transformResponse/);
  assert.doesNotMatch(text, /never|\[DONE\]|secret detail/);
});

test('a plugin that throws over the last event of a stream that ends without its empty line ends that stream alone', async () => {
  const culprit = plugin('culprit', {
    hooks: {
      transformResponse: {
        json: () => undefined,
        stream: () => ({
          omits: {
            needles: ['DONE'],
            test: () => {
              throw new Error('secret detail');
            },
          },
          event: (event, emit) => emit(event),
        }),
      },
    },
  });
  const hello = `data: ${JSON.stringify(chunk({ content: 'hello' }))}\n\n`;
  await using upstream = await rawUpstream(({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n${hello}`);
    setTimeout(() => socket.end('data: [DONE]'), 30);
  });
  await using gateway = await chatGateway(
    { culprit },
    { plugins: { up: { use: 'chat-provider', ...upstream.provider() } } },
  );
  const reply = await ask(gateway, { stream: true }, {}, AbortSignal.timeout(2_000));
  const text = await reply.text();
  assert.match(text, /hello.*culprit .*transformResponse/s);
  assert.doesNotMatch(text, /secret detail/);
});

test('what is recorded of a reply that a plugin broke is the status that the client got', async () => {
  const statuses: number[] = [];
  const culprit = plugin('culprit', {
    hooks: {
      transformResponse: { json: () => assert.fail('secret detail'), stream: () => undefined },
      postLog: (_, outcome) => void statuses.push(outcome.status),
    },
  });
  await using gateway = await chatGateway({ culprit });
  assert.equal((await ask(gateway, {})).status, 500);
  await until(() => statuses.length > 0);
  assert.deepEqual(statuses, [500]);
});

test('failOpen lets requests through without the plugin', async () => {
  const culprit = plugin(
    'culprit',
    misbehaving('preRoute', 'throws', () => true),
  );
  await using gateway = await chatGateway(
    {},
    { definitions: { culprit }, plugins: { culprit: { failOpen: { preRoute: true } } } },
  );
  assert.equal((await ask(gateway, {})).status, 200);
  assert.ok(gateway.logs.some(({ level, fields }) => level === 'warn' && fields['plugin'] === 'culprit'));
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition());
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AnswerEvent,
  flowOf,
  type JsonReply,
  type PluginDefinition,
  type PluginHooks,
  type PluginInstance,
  type Reply,
} from '../../plugin-sdk/index.ts';
import { ask, type ChatGateway, chatGateway, plugin, streamed } from './chat-gateway.ts';

/** What types refuse and JavaScript lets through: each wrong value is put down to the plugin that gave it, not to the gateway. */

const reply = (body: unknown, more: object = {}): Reply =>
  ({ origin: 'gateway', status: 200, headers: [], body, ...more }) as Reply;
const bytes = (more: object): Reply => reply({ type: 'bytes', bytes: '{}' }, more);
const answer = (given: unknown): Reply => reply({ type: 'answer', answer: given });
const says = (...blocks: unknown[]): Reply => answer({ choices: [{ index: 0, blocks }] });
const flow = (given: object): Reply => reply({ type: 'flow', events: false, flow: given });
const still = { resume() {}, abort() {} };
const throws = (): never => assert.fail('secret detail');

const wrongReplies: Record<string, [unknown, RegExp]> = {
  'a text': ['nonsense', /expected a reply/],
  'no status': [bytes({ status: undefined }), /status/],
  'a status that there is not': [bytes({ status: 42 }), /status/],
  'an answer without choices': [answer({}), /list of choices/],
  'no answer': [answer(undefined), /list of choices/],
  'a choice without blocks': [answer({ choices: [{ index: 0 }] }), /list of blocks/],
  'a block of an unknown type': [says({ type: 'nonsense' }), /no block of type nonsense/],
  'a block that is none': [says(undefined), /no block of type undefined/],
  'a tool call without arguments': [says({ type: 'tool-call', id: 'a', name: 'b' }), /tool-call has no arguments/],
  'a body of an unknown type': [reply({ type: 'json', json: {} }), /no body of type json/],
  'no body': [reply(undefined), /body/],
  'a flow without resume': [flow({ start() {} }), /flow needs the functions/],
  'bytes that are none': [reply({ type: 'bytes', bytes: 5 }), /Buffer or a string/],
  'headers that are an object': [bytes({ headers: { a: 'b' } }), /headers must be a list/],
  'half a header': [bytes({ headers: ['a'] }), /headers must be a list/],
  'a header with a line break': [bytes({ headers: ['x-a', 'a\r\nx-b: c'] }), /x-a holds a character/],
  'a header with a line break in its name': [bytes({ headers: ['x-a\r\nx-b', 'c'] }), /no name of a header/],
  'a header that is a number': [bytes({ headers: ['x-a', 5] }), /x-a has a value that is no string/],
  'a header without a name': [bytes({ headers: [undefined, 'a'] }), /no name of a header/],
  'what cannot be looked at': [
    new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : throws()) }),
    /culprit failed in/,
  ],
};

for (const hook of ['preRoute', 'execute'] as const) {
  for (const [what, [given, message]] of Object.entries(wrongReplies)) {
    test(`${what} from ${hook} is put down to its plugin`, async () => {
      await using gateway = await chatGateway({ culprit: giving({ [hook]: () => given as Reply }) });
      await isBlamed(gateway, await ask(gateway, {}), hook, message);
    });
  }

  test(`a flow from ${hook} that throws at its start is an error that names its plugin`, async () => {
    for (const start of [throws, async () => throws()]) {
      const culprit = giving({ [hook]: () => flow({ ...still, start }) });
      await using gateway = await chatGateway({ culprit });
      const given = await ask(gateway, {}).catch(() => undefined);
      if (start === throws) assert.match(await given!.text(), new RegExp(`culprit failed in ${hook}`));
      else await assert.rejects(given!.text());
      await isLogged(gateway);
    }
  });
}

const wrongFlows: Record<string, Reply> = {
  'a chunk that is none': flow({ ...still, start: (sink: { push(item: unknown): void }) => sink.push(5) }),
  'an event of an unknown type': reply({ type: 'events', events: flowOf([{ type: 'nonsense' } as never]) }),
};

for (const [what, given] of Object.entries(wrongFlows)) {
  test(`${what} in a plugin's reply is put down to it`, async () => {
    await using gateway = await chatGateway({ culprit: giving({ execute: () => given }) });
    await isBlamed(gateway, await ask(gateway, { stream: true }), 'execute', /bytes|no event of type nonsense/);
  });
}

test("what breaks behind a plugin's own stream is not thrown into its timer", async () => {
  const events: AnswerEvent[] = [
    { type: 'start' },
    { type: 'block-start', choice: 0, block: 0, head: { type: 'text' } },
    { type: 'text', choice: 0, block: 0, text: 'good' },
    { type: 'text', choice: 0, block: 0, text: 'bad' },
    { type: 'end' },
  ];
  let aborted = 0;
  const replaying = giving({
    execute: () =>
      reply({
        type: 'events',
        events: {
          resume() {},
          abort: () => void (aborted += 1),
          start(sink: { push(event: AnswerEvent): void }) {
            events.forEach((event, i) => void setTimeout(() => sink.push(event), i * 5));
          },
        },
      }),
  });
  const culprit = giving({
    transformResponse: {
      json: () => undefined,
      stream: () => ({
        event: (event, emit) => (event.type === 'text' && event.text === 'bad' ? throws() : emit(event)),
      }),
    },
  });
  await using gateway = await chatGateway({ replaying, culprit });
  const text = await (await ask(gateway, { stream: true })).text();
  assert.match(text, /good.*culprit failed in transformResponse/s);
  await sleep(20);
  assert.equal(aborted, 1);
  assert.equal(gateway.gateway.current.open, 0);
});

const wrongEvents: Record<string, [unknown, RegExp]> = {
  'of an unknown type': [{ type: 'nonsense' }, /no event of type nonsense/],
  'that are none': [undefined, /no event of type undefined/],
  'without what they are about': [{ type: 'finish', choice: 0 }, /finish has no finish/],
};

for (const [what, [given, message]] of Object.entries(wrongEvents)) {
  test(`events ${what} that a stream transform emits are put down to it`, async () => {
    const event = (_: AnswerEvent, emit: (event: AnswerEvent) => void): void => emit(given as AnswerEvent);
    const culprit = giving({ transformResponse: { json: () => undefined, stream: () => ({ event }) } });
    await using gateway = await chatGateway({ culprit });
    gateway.upstream.always({ events: streamed('hello') });
    await isBlamed(gateway, await ask(gateway, { stream: true }), 'transformResponse', message);
  });
}

const circular: Record<string, unknown> = {};
circular['self'] = circular;
const wrongJson: Record<string, [(seen: JsonReply) => unknown, RegExp]> = {
  'without json': [(seen) => ({ ...seen, json: undefined }), /json of a reply must be an object/],
  'whose json is a list': [(seen) => ({ ...seen, json: [] }), /json of a reply must be an object/],
  'with a circle in it': [(seen) => ({ ...seen, json: circular }), /cannot be written as JSON/],
  'with a BigInt in it': [(seen) => ({ ...seen, json: { big: 5n } }), /cannot be written as JSON/],
  'with a status that there is not': [(seen) => ({ ...seen, status: '200' }), /status/],
  'with an answer without choices': [(seen) => ({ ...seen, answer: {} }), /list of choices/],
  'with a BigInt in its answer': [
    (seen) => ({ ...seen, answer: { ...seen.answer, created: 5n } }),
    /cannot be written as JSON/,
  ],
};

for (const [what, [json, message]] of Object.entries(wrongJson)) {
  const hooks = { transformResponse: { json: json as never, stream: () => undefined } };

  test(`a changed reply ${what} is put down to its plugin`, async () => {
    await using gateway = await chatGateway({ culprit: giving(hooks) });
    await isBlamed(gateway, await ask(gateway, {}), 'transformResponse', message);
  });

  test(`a changed reply ${what} is left out where its plugin may fail`, async () => {
    await using gateway = await chatGateway(
      {},
      { definitions: { culprit: giving(hooks) }, plugins: { culprit: { failOpen: true } } },
    );
    const given = await ask(gateway, {});
    assert.equal(given.status, 200);
    assert.match(await given.text(), /"content":"hello"/);
    assert.ok(gateway.logs.some(({ level, fields }) => level === 'warn' && fields['plugin'] === 'culprit'));
  });
}

test('the last plugin that changed a reply is to blame, not the last that saw it', async () => {
  const face = (json: (seen: JsonReply) => unknown) =>
    giving({ transformResponse: { json: json as never, stream: () => undefined } });
  await using gateway = await chatGateway({
    before: face((seen) => ({ ...seen, json: { ...seen.json } })),
    culprit: face((seen) => ({ ...seen, json: { big: 5n } })),
    after: face(() => undefined),
  });
  await isBlamed(gateway, await ask(gateway, {}), 'transformResponse', /cannot be written/);
});

test('a changed answer is written with its usage known', async () => {
  const usages: unknown[] = [];
  const changing = giving({
    transformResponse: { json: (seen) => ({ ...seen, answer: { ...seen.answer! } }), stream: () => undefined },
    postLog: (_, { usage }) => void usages.push(usage?.output),
  });
  await using gateway = await chatGateway({ changing });
  const given = await ask(gateway, {});
  assert.match(given.headers.get('content-type')!, /^application\/json/);
  assert.match(await given.text(), /"content":"hello"/);
  await sleep(20);
  assert.deepEqual(usages, [2]);
});

test('wrong headers of a reply whose usage is known are left out and logged', async () => {
  const wrong: unknown[] = [['x-a', 'a\r\nx-b: c'], ['x-a', 5], { a: 'b' }];
  for (const usage of [...wrong.map((more) => () => more), async () => throws()]) {
    const culprit = giving({
      transformResponse: { json: () => undefined, stream: () => undefined, usage: usage as never },
    });
    await using gateway = await chatGateway({ culprit });
    assert.equal((await ask(gateway, {})).status, 200);
    await isLogged(gateway);
  }
});

test('a header of a reply that is no text is put down to its plugin', async () => {
  const culprit = giving({ preRoute: (exchange) => exchange.setReplyHeader('x-count', 5 as never) });
  await using gateway = await chatGateway({ culprit });
  const given = await ask(gateway, {});
  assert.match(await given.text(), /culprit failed in preRoute/);
});

test('a request that cannot be read and a key that is no secret are put down to their plugins', async () => {
  const wrong: PluginHooks[] = [
    { transformRequest: ({ method, path, query, body }) => ({ method, path, query, body, headers: {} }) as never },
    { transformRequest: ({ method, path, query, headers }) => ({ method, path, query, headers, body: '{}' }) as never },
    { selectKey: { order: 'pre', handler: () => ({ name: 'a', value: 'sk-plain', settings: {} }) as never } },
    { selectKey: { order: 'pre', handler: () => ({ name: 'a', value: undefined }) as never } },
  ];
  for (const hooks of wrong) {
    await using gateway = await chatGateway({ culprit: giving(hooks) });
    await isBlamed(gateway, await ask(gateway, {}), Object.keys(hooks)[0]!, /expected a|Secret/);
  }
});

const wrongInstances: Record<string, [unknown, RegExp]> = {
  'a provider with a name alone': [{ provider: { name: 'q' } }, /provider needs baseUrl/],
  'a provider without a name': [{ provider: { baseUrl: 'http://a' } }, /provider needs name/],
  'a provider that is none': [{ provider: 'q' }, /provider must be an object/],
  'a provider that speaks no list': [{ provider: provider({ speaks: { chat: {} } }) }, /speaks of chat must be a list/],
  'a provider without an endpoint': [{ provider: provider({ endpoint: undefined }) }, /provider needs endpoint/],
  'ports that are no bindings': [{ ports: [{ port: 'x' }] }, /ports must be a list/],
  'a command that is no function': [{ commands: { run: 'x' } }, /command run must be a function/],
  'a teardown that is no function': [{ teardown: true }, /teardown must be a function/],
  'a usage face that is no function': [
    { hooks: { transformResponse: { json() {}, stream() {}, usage: 5 } } },
    /usage of transformResponse must be a function/,
  ],
};

for (const [what, [instance, message]] of Object.entries(wrongInstances)) {
  test(`${what} is refused at start by the name of its plugin`, async () => {
    await assert.rejects(chatGateway({ culprit: plugin('culprit', instance as PluginInstance) }), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'PLUGIN_MALFORMED');
      assert.match(error.message, /culprit/);
      assert.match(error.message, message);
      return true;
    });
  });
}

function provider(more: object): object {
  return { name: 'q', baseUrl: 'http://a', keys: [], speaks: {}, endpoint() {}, ...more };
}

function giving(hooks: PluginHooks): PluginDefinition {
  return plugin('culprit', { hooks });
}

async function isBlamed(gateway: ChatGateway, given: Response, hook: string, message: RegExp): Promise<void> {
  const text = await given.text();
  assert.match(text, new RegExp(`The plugin culprit .*${hook}`));
  assert.match(text, message);
  assert.doesNotMatch(text, /The gateway failed|secret detail/);
  if (given.headers.get('content-type')?.includes('json') === true) assert.equal(given.status, 500);
  await isLogged(gateway);
}

async function isLogged(gateway: ChatGateway): Promise<void> {
  const names = (): boolean =>
    gateway.logs.some(
      ({ level, fields }) => level === 'error' && (fields['err'] as { plugin?: string })?.plugin === 'culprit',
    );
  for (let i = 0; i < 100 && !names(); i++) await sleep(5);
  assert.ok(names(), 'the log does not name it');
}

test('targets that are none are put down to the plugin that set them', async () => {
  for (const targets of ['up/gpt', ['up/gpt'], [{ provider: 'up' }], [undefined]]) {
    const culprit = giving({ preRoute: (exchange) => exchange.setTargets(targets as never) });
    await using gateway = await chatGateway({ culprit });
    const reply = await ask(gateway, {});
    assert.equal(reply.status, 500);
    assert.match(await reply.text(), /The plugin culprit failed in preRoute/);
  }
});

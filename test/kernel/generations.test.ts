import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createGateway } from '../../kernel/gateway.ts';
import { definePlugin, type Host, type PluginDefinition, type PluginInstance } from '../../plugin-sdk/index.ts';
import { ask, chatGateway, chunk, done, plugin } from './chat-gateway.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Starts a gateway with these plugins alone. */
function start(plugins: Record<string, PluginDefinition>) {
  const extraPlugins = Object.entries(plugins).map(([id, definition]) => ({
    id,
    provides: [],
    load: async () => ({ default: definition }),
  }));
  const config = { plugins: Object.fromEntries(Object.keys(plugins).map((id) => [id, {}])) };
  return createGateway(config, { log: silent, extraPlugins });
}

function settingUp(name: string, setup: (host: Host) => PluginInstance | Promise<PluginInstance>): PluginDefinition {
  return definePlugin({ name, options: z.strictObject({}), setup: (_options, host) => setup(host) }) as never;
}

const misshapen: Record<string, unknown> = {
  'a hook that is no function': { preRoute: 'nonsense' },
  'an order that there is not': { preRoute: { order: 'first', handler: () => undefined } },
  'one face of transformResponse alone': { transformResponse: { json: () => undefined } },
  'the other face alone': { transformResponse: { order: 'pre', handler: { stream: () => undefined } } },
  'hooks that are a list': [() => undefined],
};

for (const [what, hooks] of Object.entries(misshapen)) {
  test(`a plugin with ${what} is refused at start by name, and all is taken down`, async () => {
    let tornDown = 0;
    const teardown = (): void => void (tornDown += 1);
    const plugins = { first: plugin('first', { teardown }), second: plugin('second', { hooks, teardown } as never) };
    await assert.rejects(start(plugins), { code: 'PLUGIN_MALFORMED', message: /second/ });
    assert.equal(tornDown, 2);
  });
}

const handler = { type: 'handler', method: 'GET', path: '/x', handler: () => new Response() };
const faulty: Record<string, [PluginInstance, RegExp]> = {
  'a hook that there is not': [
    { hooks: { preRout: () => undefined } } as never,
    /no hook preRout, perhaps preRoute is meant\./,
  ],
  'a route without a guard': [{ routes: [handler] } as never, /GET \/x needs a guard/],
  'a route with a guard that guards nothing': [
    { routes: [{ ...handler, guard: { amdin: 'write' } }] } as never,
    /GET \/x needs a guard: \{ admin: "read" or "write" \}, \{ caller \} or \{ public: true \}\.$/,
  ],
  'a route that is open by halves': [{ routes: [{ ...handler, guard: { public: false } }] } as never, /needs a guard/],
  'an exchange route without a dialect': [
    { routes: [{ ...handler, type: 'exchange', operation: 'chat', defaultProvider: 'a', strip: '/x' }] } as never,
    /GET \/x needs a dialect/,
  ],
  'a route that another plugin has': [
    { routes: [{ ...handler, guard: { public: true } }] } as never,
    /GET \/x is an endpoint of first already/,
  ],
  'a route of the gateway': [
    { routes: [{ ...handler, path: '/health', guard: { public: true } }] } as never,
    /GET \/health is an endpoint of the gateway already/,
  ],
};

for (const [what, [instance, message]] of Object.entries(faulty)) {
  test(`a plugin with ${what} is refused at start, and told why`, async () => {
    const first = plugin('first', { routes: [{ ...handler, guard: { public: true } }] } as never);
    await assert.rejects(start({ first, second: plugin('second', instance) }), { code: 'PLUGIN_MALFORMED', message });
  });
}

test('two plugins cannot be one provider', async () => {
  const plugins = {
    'routes/openai': {},
    'providers/mock': {},
    mock: { use: 'providers/openai-compatible', baseUrl: 'http://localhost:1' },
  };
  await assert.rejects(createGateway({ plugins }, { log: silent }), {
    message: 'The plugin mock is not usable: there is a provider mock already, of providers/mock.',
  });
});

test('a plugin whose routes cannot be mounted takes everything down again', async () => {
  let tornDown = 0;
  const routes = [{ type: 'handler', method: 'GET', guard: { public: true }, handler: () => new Response() }];
  const odd = plugin('odd', { routes, teardown: () => void (tornDown += 1) } as never);
  await assert.rejects(start({ odd }));
  assert.equal(tornDown, 1);
});

test('a setup that ends after its time is over is taken down', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let tornDown = 0;
  let finish = (_instance: PluginInstance): void => {};
  const slow = settingUp('slow', () => new Promise((resolve) => (finish = resolve)));
  const starting = start({ slow });
  const refused = assert.rejects(starting, { code: 'PLUGIN_SETUP_TIMEOUT' });
  while (finish.length === 0 || finish.name === 'finish') await new Promise(setImmediate);
  context.mock.timers.tick(30_000);
  await refused;
  finish({ teardown: () => void (tornDown += 1) });
  await new Promise(setImmediate);
  assert.equal(tornDown, 1);
});

test('a shared thing that could not be made counts for nobody', async () => {
  const closed = mock.fn();
  let attempts = 0;
  const use = (host: Host): string => host.shared('thing', () => 'made', closed);
  const clumsy = settingUp('clumsy', (host) => {
    attempts += 1;
    if (attempts === 1) {
      assert.throws(() =>
        host.shared(
          'thing',
          () => {
            throw new Error('not yet');
          },
          closed,
        ),
      );
    }
    use(host);
    return {};
  });
  const gateway = await start({ clumsy });
  await gateway.reload({ plugins: { clumsy: {} } });
  await sleep(20);
  assert.equal(gateway.generations.size, 1);
  assert.equal(closed.mock.callCount(), 0, 'the new generation still uses it');
  await gateway.close();
  assert.equal(closed.mock.callCount(), 1);
});

test('a generation that is closed while it drains is taken down once', async () => {
  let tornDown = 0;
  const counted = plugin('counted', { teardown: () => void (tornDown += 1) });
  const gateway = await chatGateway({ counted });
  gateway.upstream.reply({ events: [chunk({ content: 'a' }), chunk({}, 'stop'), done], chunkDelayMs: 100 });
  const reply = await ask(gateway, { stream: true });
  const old = gateway.gateway.current;
  await gateway.reload({});
  const idle = old.exchanges.whenIdle(60_000);
  await gateway.gateway.close(5);
  assert.equal(tornDown, 2);
  await reply.text();
  await idle;
  await sleep(20);
  assert.equal(tornDown, 2);
  await gateway.close();
  assert.equal(tornDown, 2);
});

test('a gateway that is closed cannot be reloaded', async () => {
  let setUps = 0;
  const counted = settingUp('counted', () => {
    setUps += 1;
    return {};
  });
  const gateway = await start({ counted });
  await gateway.close();
  await assert.rejects(gateway.reload({ plugins: { counted: {} } }), { code: 'GUARD_DRAINING' });
  assert.equal(setUps, 1);
});

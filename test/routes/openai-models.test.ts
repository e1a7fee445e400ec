import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import OpenAI from 'openai';
import { z } from 'zod';
import { definePlugin, modelFilterSlot } from '../../plugin-sdk/index.ts';
import {
  FakeClock,
  type RunningGateway,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';

const list = (...ids: string[]) => ({
  json: { object: 'list', data: ids.map((id) => ({ id, object: 'model', created: 7, owned_by: 'them' })) },
});

let first: Upstream;
let second: Upstream;
let gateway: RunningGateway | undefined;

beforeEach(async () => {
  first = await startUpstream();
  second = await startUpstream();
});

afterEach(async () => {
  await gateway?.close();
  await Promise.all([first.close(), second.close()]);
});

async function start(more: Record<string, object> = {}, clock?: FakeClock, definitions = {}): Promise<OpenAI> {
  gateway = await startGateway({
    plugins: {
      'routes/openai': {},
      'providers/openai': first.provider(),
      'providers/groq': second.provider(),
      ...more,
    },
    definitions,
    ...(clock === undefined ? {} : { clock }),
  });
  return new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'none', maxRetries: 0 });
}

async function ids(client: OpenAI): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of client.models.list()) found.push(id);
  return found;
}

test('lists the models of every configured provider with its name in front', async () => {
  first.always(list('gpt-4o', 'o3'));
  second.always(list('llama'));
  const client = await start();
  assert.deepEqual(await ids(client), ['openai/gpt-4o', 'openai/o3', 'groq/llama']);
  assert.equal(first.requests[0]?.url, '/v1/models');
  assert.equal(first.requests[0]?.headers.authorization, 'Bearer sk-upstream');
  const { data } = await client.models.list();
  assert.deepEqual(data[0], { id: 'openai/gpt-4o', object: 'model', created: 7, owned_by: 'them' });
});

test('still answers when a provider is down', async () => {
  first.always({ fault: 'reset' });
  second.always(list('llama'));
  assert.deepEqual(await ids(await start()), ['groq/llama']);
  assert.equal(gateway?.logs.filter(({ message }) => message === 'the model list could not be read').length, 1);
});

test('waits for a silent provider once, then finds it in the background when it is back', async () => {
  const clock = new FakeClock();
  first.always({ status: 503, json: { error: { message: 'not yet' } } });
  second.always(list('llama'));
  const client = await start({}, clock);
  assert.deepEqual(await ids(client), ['groq/llama']);
  clock.advance(15_000);
  first.always({ fault: 'silent' });
  const started = performance.now();
  assert.deepEqual(await ids(client), ['groq/llama']);
  assert.ok(performance.now() - started < 1_000);
});

test('asks the providers once in five minutes and keeps the last good list', async () => {
  const clock = new FakeClock();
  first.always(list('gpt-4o'));
  second.always(list('llama'));
  const client = await start({}, clock);
  await ids(client);
  clock.advance(299_999);
  await ids(client);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(first.requests.length, 1);
  first.always({ status: 500, json: { error: { message: 'no' } } });
  clock.advance(1);
  assert.deepEqual(await ids(client), ['openai/gpt-4o', 'groq/llama']);
  await until(() => first.requests.length === 2);
  assert.deepEqual(await ids(client), ['openai/gpt-4o', 'groq/llama']);
  first.always(list('gpt-5'));
  clock.advance(15_000);
  await ids(client);
  await until(() => first.requests.length === 3);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(await ids(client), ['openai/gpt-5', 'groq/llama']);
});

test('shows what the keys may serve, and the names that only the config knows', async () => {
  first.always(list('gpt-4o', 'gpt-4o-mini', 'o3'));
  second.always(list());
  const keys = [
    { name: 'a', value: 'k', models: ['gpt-4o*', 'fast'], blockedModels: ['gpt-4o'], aliases: { fast: 'gpt-4o-mini' } },
  ];
  const client = await start({
    'providers/openai': first.provider({ keys }),
    'providers/groq': { ...second.provider(), keys: [] },
  });
  assert.deepEqual(await ids(client), ['openai/gpt-4o-mini', 'openai/fast']);
  assert.equal(second.requests.length, 0);
});

test('finds one model by its id with a slash, and says which is unknown', async () => {
  first.always(list('gpt-4o'));
  second.always(list('meta/llama'));
  const client = await start();
  assert.equal((await client.models.retrieve('groq/meta/llama')).id, 'groq/meta/llama');
  assert.equal((await client.models.retrieve('gpt-4o')).id, 'openai/gpt-4o');
  await assert.rejects(client.models.retrieve('gpt-9'), { status: 404, code: 'model_not_found' });
});

test('hides models from a caller who may not use them', async () => {
  first.always(list('gpt-4o', 'o3'));
  second.always(list('llama'));
  const restrict = definePlugin({
    name: 'restrict',
    options: z.strictObject({}),
    setup: () => ({
      hooks: {
        preRoute: (exchange) =>
          exchange.set(modelFilterSlot, (provider, model) => provider === 'openai' && model !== 'o3'),
      },
    }),
  });
  const client = await start({ restrict: {} }, undefined, { restrict });
  assert.deepEqual(await ids(client), ['openai/gpt-4o']);
  await assert.rejects(client.models.retrieve('openai/o3'), { status: 404 });
});

test('deletes a fine-tuned model at the provider that its id names', async () => {
  second.always({ json: { id: 'ft:llama', object: 'model', deleted: true } });
  first.always({ json: { id: 'ft:gpt', object: 'model', deleted: true } });
  const client = await start();
  await client.models.delete('openai/ft:gpt:me');
  assert.equal(first.requests.at(-1)?.url, '/v1/models/ft:gpt:me');
});

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(done());
}

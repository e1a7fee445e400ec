import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RunningGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { chat, failed, keys, said, startPooled } from './pooled-gateway.ts';

async function startThree(router: Record<string, unknown>, plugins: Record<string, unknown> = {}) {
  const upstream = await startUpstream();
  upstream.always(said());
  const gateway = await startPooled(
    { openai: upstream, second: upstream, third: upstream },
    { 'plugins/model-router': router, ...plugins },
  ).catch(async (cause) => {
    await upstream.close();
    throw cause;
  });
  return {
    upstream,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await upstream.close();
    },
  };
}

async function servedBy(
  gateway: RunningGateway,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<string> {
  const reply = await chat(gateway, body, headers);
  assert.equal(reply.status, 200, reply.text);
  return `${reply.headers.get('x-bf-provider')}/${reply.headers.get('x-bf-model')}`;
}

test('an alias stands for a model, with or without a provider', async () => {
  await using started = await startThree({ aliases: { fast: 'second/llama', smart: 'gpt-4o' } });
  const { gateway } = started;
  assert.equal(await servedBy(gateway, { model: 'fast' }), 'second/llama');
  assert.equal(await servedBy(gateway, { model: 'Smart' }), 'openai/gpt-4o');
  assert.equal(await servedBy(gateway, { model: 'third/m' }), 'third/m');
});

test('an ordered virtual model falls from one target to the next', async () => {
  await using started = await startThree({
    models: { best: { targets: ['openai/a', { provider: 'second', model: 'b' }, 'third/c'] } },
  });
  const { gateway, upstream } = started;
  assert.equal(await servedBy(gateway, { model: 'best' }), 'openai/a');
  upstream.reply(failed(500), failed(404));
  assert.equal(await servedBy(gateway, { model: 'best' }), 'third/c');
});

test('a weighted virtual model shares its calls by weight', async () => {
  await using started = await startThree({
    models: {
      mix: {
        strategy: 'weighted',
        targets: [
          { provider: 'openai', model: 'a', weight: 3 },
          { provider: 'second', model: 'b', weight: 1 },
          { provider: 'third', model: 'c', weight: 0 },
        ],
      },
    },
  });
  const found: Record<string, number> = {};
  for (let i = 0; i < 400; i++) {
    const served = await servedBy(started.gateway, { model: 'mix' });
    found[served] = (found[served] ?? 0) + 1;
  }
  assert.ok(found['openai/a']! > 250 && found['openai/a']! < 350, JSON.stringify(found));
  assert.equal(found['third/c'], undefined);
});

test('a target may keep the model of the client and pin a key', async () => {
  await using upstream = await startUpstream();
  upstream.always(said());
  await using gateway = await startPooled(
    { openai: { upstream, options: keys({ a: 1, b: 0 }) } },
    { 'plugins/model-router': { rules: [{ name: 'all', when: 'true', targets: [{ provider: 'openai', key: 'b' }] }] } },
  );
  const reply = await chat(gateway, { model: 'o3' });
  assert.equal(reply.headers.get('x-bf-key'), 'b');
  assert.equal(reply.headers.get('x-bf-model'), 'o3');
});

test('rules look at headers, operation, size, model and stream; the first that holds decides', async () => {
  await using started = await startThree({
    rules: [
      { name: 'batch', when: '"x-tier" in headers && headers["x-tier"] == "batch"', targets: ['third/cheap'] },
      { name: 'large', when: 'operation == "chat" && size > 2000', targets: ['second/long'] },
      {
        name: 'mini',
        when: 'model.startsWith("gpt-4o") && provider == "openai" && stream == false && caller.kind == "anonymous"',
        targets: ['second/*'],
      },
    ],
  });
  const { gateway } = started;
  assert.equal(await servedBy(gateway, { model: 'x' }, { 'x-tier': 'batch' }), 'third/cheap');
  assert.equal(await servedBy(gateway, { model: 'x', user: 'u'.repeat(3_000) }), 'second/long');
  assert.equal(await servedBy(gateway, { model: 'openai/gpt-4o-mini' }), 'second/*');
  assert.equal(await servedBy(gateway, { model: 'o3' }), 'openai/o3');
});

test('conditions do not see credentials, and one that fails does not hold', async () => {
  await using started = await startThree({
    rules: [
      { name: 'peek', when: 'headers["authorization"] != ""', targets: ['third/m'] },
      { name: 'fine', when: '!("authorization" in headers)', targets: ['second/m'] },
    ],
  });
  assert.equal(await servedBy(started.gateway, { model: 'x' }, { authorization: 'Bearer secret' }), 'second/m');
  assert.equal(started.gateway.logs.filter(({ message }) => message === 'a rule could not be evaluated').length, 1);
});

for (const [when, problem] of [
  ['model ==', /rule broken/],
  ['modle == "x"', /modle/],
  ['size', /true or false/],
  ['size > "a"', /broken/],
] as const) {
  test(`the condition ${when} is refused at the start`, async () => {
    await assert.rejects(startThree({ rules: [{ name: 'broken', when, targets: ['openai/x'] }] }), problem);
  });
}

test('a bare model goes to the provider whose keys name it when the default one does not have it', async () => {
  await using upstream = await startUpstream();
  upstream.always(said());
  await using gateway = await startPooled(
    {
      openai: { upstream, options: keys({ a: { models: ['gpt-*'] } }) },
      second: { upstream, options: keys({ b: { models: ['claude-*'], aliases: { opus: 'claude-opus' } } }) },
    },
    { 'plugins/model-router': {} },
  );
  assert.equal(await servedBy(gateway, { model: 'claude-sonnet' }), 'second/claude-sonnet');
  assert.equal(await servedBy(gateway, { model: 'opus' }), 'second/claude-opus');
  assert.equal(await servedBy(gateway, { model: 'gpt-4o' }), 'openai/gpt-4o');
  assert.equal(upstream.requests.length, 3, 'nobody was asked over the network');
});

test('a bare model that the price book lists for one provider alone goes there', async () => {
  await using started = await startThree(
    {},
    { 'plugins/pricing': { book: false, overrides: [{ provider: 'third', model: 'llama-9', input: 1, output: 1 }] } },
  );
  assert.equal(await servedBy(started.gateway, { model: 'llama-9' }), 'third/llama-9');
  assert.equal(await servedBy(started.gateway, { model: 'unheard-of' }), 'openai/unheard-of');
});

test('a provider whose every model has a price is not taken for one that has the model', async () => {
  await using started = await startThree(
    {},
    { 'plugins/pricing': { book: false, overrides: [{ provider: 'third', input: 0, output: 0 }] } },
  );
  assert.equal(await servedBy(started.gateway, { model: 'gpt-9' }), 'openai/gpt-9');
});

test('the decision record says which rule decided', async () => {
  await using started = await startThree({ rules: [{ name: 'all to second', when: 'true', targets: ['second/m'] }] });
  const { gateway } = started;
  const reply = await chat(gateway, {}, { 'x-bf-explain': 'true', 'x-bf-admin-token': gateway.adminToken });
  assert.match(reply.headers.get('x-bf-explain')!, /all to second/);
});

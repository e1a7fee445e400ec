import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { definePlugin, type PluginDefinition, type ProviderMention } from '../../plugin-sdk/index.ts';
import { type RunningGateway, type StartOptions, startGateway } from '../../plugin-sdk/testing/index.ts';

const providers = {
  'providers/openai': {},
  'providers/mistral': {},
  'providers/deepseek': {},
  'providers/xai': {},
  'my-vllm': { use: 'providers/openai-compatible', baseUrl: 'http://127.0.0.1:9' },
};

/** Starts with these plugins beside a few providers. Gives the warnings. */
async function warningsOf(plugins: StartOptions['plugins'], rest: StartOptions = {}): Promise<string[]> {
  await using gateway = await startGateway({ ...rest, plugins: { ...providers, ...plugins } });
  return warningsIn(gateway);
}

function warningsIn({ logs }: RunningGateway): string[] {
  return logs.filter(({ level }) => level === 'warn').map(({ message }) => message ?? '');
}

function naming(namesProviders: () => unknown): PluginDefinition {
  const definition = {
    name: 'naming',
    options: z.strictObject({}),
    namesProviders: namesProviders as () => Iterable<ProviderMention>,
    setup: () => ({}),
  };
  return definePlugin(definition) as unknown as PluginDefinition;
}

for (const id of ['plugins/retries', 'plugins/timeouts', 'plugins/concurrency'])
  test(`warns of a misspelt provider in the map of ${id}`, async () => {
    assert.deepEqual(await warningsOf({ [id]: { providers: { opnai: {}, openai: {}, 'my-vllm': {} } } }), [
      `plugins["${id}"].providers.opnai: the provider opnai is not configured; did you mean openai?`,
    ]);
  });

test('suggests the instance for the id of its plugin, and nothing where no name is near', async () => {
  assert.deepEqual(await warningsOf({ 'plugins/retries': { providers: { 'providers/openai': {}, elsewhere: {} } } }), [
    'plugins["plugins/retries"].providers["providers/openai"]: the provider providers/openai is not configured; did you mean openai?',
    'plugins["plugins/retries"].providers.elsewhere: the provider elsewhere is not configured',
  ]);
});

test('warns of a provider that the config keeps out', async () => {
  const warnings = await warningsOf({ 'providers/xai': false, 'plugins/retries': { providers: { xai: {} } } });
  assert.match(warnings.join(), /the provider xai is not configured/);
});

test('warns of a misspelt provider in the rules of fallbacks, before a call is refused for it', async () => {
  const rules = [
    { provider: 'openia', fallbacks: ['mistral/mistral-small', 'my-vlm/*'] },
    { fallbacks: ['openai/gpt-4o'] },
  ];
  assert.deepEqual(await warningsOf({ 'plugins/fallbacks': { rules } }), [
    'plugins["plugins/fallbacks"].rules[0].provider: the provider openia is not configured; did you mean openai?',
    'plugins["plugins/fallbacks"].rules[0].fallbacks[1]: the provider my-vlm is not configured; did you mean my-vllm?',
  ]);
});

test('warns of a misspelt provider in targets and aliases of the model router', async () => {
  const options = {
    aliases: { fast: 'opnai/gpt-4o-mini', best: 'Opena/best' },
    models: { 'opena/best': { targets: [{ provider: 'nowhere', model: 'x' }, 'OpenAI/gpt-4o'] } },
    rules: [{ name: 'all', when: 'true', targets: ['mistrl/mistral-small'] }],
  };
  assert.deepEqual(await warningsOf({ 'plugins/model-router': options }), [
    'plugins["plugins/model-router"].aliases.fast: the provider opnai is not configured; did you mean openai?',
    'plugins["plugins/model-router"].models["opena/best"].targets[0].provider: the provider nowhere is not configured',
    'plugins["plugins/model-router"].models["opena/best"].targets[1]: the provider OpenAI is not configured; did you mean openai?',
    'plugins["plugins/model-router"].rules[0].targets[0]: the provider mistrl is not configured; did you mean mistral?',
  ]);
});

test('a model whose name has a slash is no misspelt provider', async () => {
  const targets = [
    'meta-llama/Llama-3',
    'mistralai/Mixtral-8x7B',
    'deepseek-ai/DeepSeek-V3',
    'x-ai/grok-4',
    'z-ai/glm-4.5',
    'openai-community/gpt2',
    '/model',
    'opnai/',
    'bare',
  ];
  const aliases = Object.fromEntries(targets.map((target) => [`alias of ${target}`, target]));
  assert.deepEqual(await warningsOf({ 'plugins/model-router': { aliases, models: { any: { targets } } } }), []);
});

test('warns of a misspelt provider in grants of virtual keys and in limits', async () => {
  const budgets = [{ limit: 1, period: '1d' }];
  const options = {
    virtualKeys: [
      { id: 'a', value: 'sk-bf-a', providers: ['openai', 'mistal'] },
      { id: 'b', value: 'sk-bf-b', providers: [{ provider: 'deepsek' }] },
      { id: 'c', value: 'sk-bf-c' },
    ],
    limits: [
      { id: 'all', model: 'gpt-4o', budgets },
      { id: 'one', provider: 'opnai', budgets },
    ],
  };
  assert.deepEqual(await warningsOf({ 'plugins/governance': options }), [
    'plugins["plugins/governance"].virtualKeys[0].providers[1]: the provider mistal is not configured; did you mean mistral?',
    'plugins["plugins/governance"].virtualKeys[1].providers[0]: the provider deepsek is not configured; did you mean deepseek?',
    'plugins["plugins/governance"].limits[1].provider: the provider opnai is not configured; did you mean openai?',
  ]);
});

test('a plugin that fails to say what its options name is warned of, and starts', async () => {
  const thrown = naming(() => {
    throw new Error('no idea');
  });
  assert.deepEqual(await warningsOf({ naming: {} }, { definitions: { naming: thrown } }), [
    'plugins.naming: the providers that its options name are not known: no idea',
  ]);
  for (const wrong of [1, [undefined], [{ provider: 'x' }], [{ path: [] }]]) {
    const [warning] = await warningsOf({ naming: {} }, { definitions: { naming: naming(() => wrong) } });
    assert.match(warning ?? '', /^plugins\.naming: the providers that its options name are not known: /);
  }
});

test('warns again at a reload, of the new config', async () => {
  await using gateway = await startGateway({ plugins: providers });
  await gateway.reload({ plugins: { ...providers, 'plugins/timeouts': { providers: { opnai: {} } } } });
  assert.match(warningsIn(gateway).join(), /timeouts.*the provider opnai is not configured/);
});

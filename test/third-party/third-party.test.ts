import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';

/** Plugins as a stranger writes them: in a folder of their own, with nothing but the SDK. */

const folder = mkdtempSync(join(tmpdir(), 'bifrost-third-party-'));
const sdk = join(folder, 'node_modules', 'bifrost-kernel');
mkdirSync(join(folder, 'plugins'), { recursive: true });
mkdirSync(join(folder, 'node_modules'));
after(() => rmSync(folder, { recursive: true, force: true }));

// The installed SDK, as `npm install CHECKOUT` has it: the published package exports it compiled, a checkout exports the source.
const root = resolve(import.meta.dirname, '../..');
symlinkSync(root, sdk);
symlinkSync(join(root, 'node_modules/zod'), join(folder, 'node_modules', 'zod'));

writeFileSync(
  join(folder, 'plugins', 'greeting.ts'),
  `import { z } from 'zod';
import { definePlugin } from 'bifrost-kernel/plugin-sdk';

export default definePlugin({
  name: 'greeting',
  options: z.strictObject({ greeting: z.string().default('hello') }),
  setup: (options) => ({
    hooks: { preRoute: (exchange) => exchange.setReplyHeader('x-greeting', options.greeting) },
  }),
});
`,
);
const installed = join(folder, 'node_modules', 'bifrost-plugin-tag');
mkdirSync(installed);
writeFileSync(
  join(installed, 'package.json'),
  JSON.stringify({ name: 'bifrost-plugin-tag', type: 'module', exports: { '.': { import: './index.js' } } }),
);
writeFileSync(
  join(installed, 'index.js'),
  `export default {
  name: 'bifrost-plugin-tag',
  options: { type: 'object', additionalProperties: false, required: ['tag'], properties: { tag: { type: 'string', minLength: 1 } } },
  setup: (options) => ({ hooks: { preRoute: (exchange) => exchange.setReplyHeader('x-tag', options.tag) } }),
};
`,
);

const routes = { 'routes/openai': {}, 'providers/mock': {} };
const ask = (url: string): Promise<Response> =>
  fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'hi' }] }),
  });

test('a plugin in a file beside the config loads by its path', async () => {
  await using gateway = await startGateway({
    baseDir: folder,
    plugins: { ...routes, './plugins/greeting.ts': { greeting: 'servus' } },
  });
  const reply = await ask(gateway.url);
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get('x-greeting'), 'servus');
});

test('a plugin in a package loads by its name, with its options checked by JSON Schema', async () => {
  await using gateway = await startGateway({
    baseDir: folder,
    plugins: { ...routes, 'bifrost-plugin-tag': { tag: 'a' } },
  });
  assert.equal((await ask(gateway.url)).headers.get('x-tag'), 'a');
});

test('the same plugin runs twice under two names', async () => {
  await using gateway = await startGateway({
    baseDir: folder,
    plugins: { ...routes, one: { use: 'bifrost-plugin-tag', tag: '1' }, two: { use: 'bifrost-plugin-tag', tag: '2' } },
  });
  assert.equal((await ask(gateway.url)).headers.get('x-tag'), '1, 2');
});

test('wrong options of both kinds are reported at once', async () => {
  await assert.rejects(
    startGateway({
      baseDir: folder,
      plugins: { ...routes, './plugins/greeting.ts': { greting: 'x' }, 'bifrost-plugin-tag': {} },
    }),
    (error: Error) => {
      assert.match(error.message, /greting: unknown key; did you mean greeting\?/);
      assert.match(error.message, /bifrost-plugin-tag.*tag/);
      return true;
    },
  );
});

test('a package that is not there is named, with a guess', async () => {
  await assert.rejects(startGateway({ baseDir: folder, plugins: { 'providers/mok': {} } }), {
    message: /providers\/mok.*Did you mean providers\/mock\?/s,
  });
});

test('a module that is no plugin is refused with the reason', async () => {
  writeFileSync(join(folder, 'plugins', 'empty.ts'), 'export const nothing = 1;\n');
  await assert.rejects(startGateway({ baseDir: folder, plugins: { './plugins/empty.ts': {} } }), {
    message: /no default export/,
  });
});

test('the test kit gives an upstream that answers as scripted', async () => {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({
    plugins: { 'routes/openai': {}, 'providers/openai': upstream.provider() },
  });
  upstream.reply({ status: 418, json: { error: { message: 'teapot' } } });
  const reply = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [] }),
  });
  assert.equal(reply.status, 418);
  assert.equal(upstream.requests[0]?.url, '/v1/chat/completions');
  assert.equal(upstream.requests[0]?.headers.authorization, 'Bearer sk-upstream');
});

test('a provider in a file is called by the name it gives itself', async () => {
  await using upstream = await startUpstream();
  writeFileSync(
    join(folder, 'plugins', 'own-llm.ts'),
    `import { defineOpenAICompatible } from 'bifrost-kernel/plugin-sdk';
export default defineOpenAICompatible({ name: 'own-llm', baseUrl: '${upstream.url}' });
`,
  );
  await using gateway = await startGateway({
    baseDir: folder,
    plugins: { 'routes/openai': {}, './plugins/own-llm.ts': { keys: [{ name: 'a', value: 'k' }] } },
  });
  upstream.reply({ json: { id: 'x', object: 'chat.completion', choices: [] } });
  const reply = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'own-llm/m', messages: [] }),
  });
  assert.equal(reply.status, 200, await reply.text());
  assert.equal(reply.headers.get('x-bf-provider'), 'own-llm');
});

test('a member of a plugin that nothing reads is refused, with a guess', async () => {
  writeFileSync(
    join(folder, 'plugins', 'typo.js'),
    "export default { name: 'typo', options: { type: 'object' }, setup: () => ({ hoks: {} }) };\n",
  );
  await assert.rejects(startGateway({ baseDir: folder, plugins: { './plugins/typo.js': {} } }), {
    message: /hoks.*perhaps hooks is meant/,
  });
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'jsonc-parser';
import OpenAI from 'openai';
import { commands } from '../kernel/cli/arguments.ts';
import { startGateway, startUpstream } from '../plugin-sdk/testing/index.ts';

/** Every command and every config of the README is run here. */

const root = resolve(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const scripts = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
  .scripts;
const blocks = (language: string, text = readme): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1]!);

const folder = mkdtempSync(join(tmpdir(), 'bifrost-readme-'));
mkdirSync(join(folder, 'node_modules'));
after(() => rmSync(folder, { recursive: true, force: true }));
// Neither the SDK nor zod: plugins find those of the gateway.
for (const name of ['openai', '@anthropic-ai'])
  symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));

test('each config of the README and of the providers is accepted as printed', async () => {
  const configs = [...blocks('jsonc'), ...blocks('jsonc', readFileSync(join(root, 'providers/README.md'), 'utf8'))];
  assert.ok(configs.length > 0);
  for (const text of configs) {
    const file = join(folder, 'bifrost.jsonc');
    writeFileSync(file, text);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(root, 'kernel/main.js'), 'check', '--config', file],
      { cwd: folder },
    );
    assert.match(stdout, /is good/);
  }
});

test('each npm command of the README is a script, and each binary command exists', () => {
  for (const [, name] of readme.matchAll(/npm (?:run )?([a-z]+)(?=[\s`])/g)) {
    if (name !== 'ci' && name !== 'pack') assert.ok(name !== undefined && name in scripts, `npm ${name}`);
  }
  for (const [, name] of readme.matchAll(/npx bifrost-kernel ([a-z]+)/g))
    assert.ok(name !== undefined && name in commands, String(name));
});

test('what package.json names is there, in a checkout too', () => {
  const { bin, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
    exports: Record<string, string>;
  };
  for (const path of [...Object.values(bin), ...Object.values(exports)])
    assert.ok(existsSync(join(root, path.replace('*', 'cache'))), path);
});

test('each file that a README links to exists', () => {
  for (const file of [
    'README.md',
    'kernel/README.md',
    'plugin-sdk/README.md',
    'plugins/README.md',
    'providers/README.md',
    'routes/README.md',
    'test/README.md',
  ]) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, link] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(existsSync(resolve(root, dirname(file), link ?? '')), `${file}: ${link}`);
    }
  }
});

test('the first request of the README is answered', async () => {
  await using gateway = await startGateway({ plugins: defaults() });
  const [command] = blocks('sh').filter((text) => text.startsWith('curl'));
  const local = (command ?? '').replaceAll('http://localhost:8080', gateway.url).replace('curl', 'curl -sS');
  const { stdout } = await promisify(execFile)('sh', ['-c', local]);
  assert.equal(JSON.parse(stdout).choices[0].message.content, 'Hello!');
});

for (const [name, said] of [
  ['openai', 'Hello!'],
  ['@anthropic-ai/sdk', "[ { type: 'text', text: 'Hello!' } ]"],
] as const) {
  test(`the sample of the README with ${name} runs as printed`, async () => {
    await using gateway = await startGateway({ plugins: defaults() });
    const sample = blocks('ts').find((text) => text.includes(`from '${name}'`))!;
    const file = join(folder, 'sample.ts');
    writeFileSync(file, sample.replaceAll('http://localhost:8080', gateway.url));
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
    assert.equal(stdout.trim(), said);
  });
}

test('the plugin of the README loads and does what it says', async () => {
  writeFileSync(join(folder, 'greeting.ts'), blocks('ts').find((text) => text.includes('definePlugin'))!);
  await using gateway = await startGateway({
    baseDir: folder,
    plugins: { ...defaults(), './greeting.ts': { greeting: 'servus' } },
  });
  const reply = await fetch(`${gateway.url}/openai/v1/models`);
  assert.equal(reply.headers.get('x-greeting'), 'servus');
});

test('the plugins of the plugin-sdk README load as printed and do what they say', async () => {
  const names: string[] = [];
  for (const text of blocks('ts', readFileSync(join(root, 'plugin-sdk/README.md'), 'utf8'))) {
    const name = /export default define\w+\([^']*'([^']+)'/.exec(text)?.[1];
    if (name === undefined) continue;
    names.push(name);
    writeFileSync(join(folder, `${name}.ts`), text);
  }
  assert.deepEqual(names, ['no-card-numbers', 'team-as-user', 'daily-limit', 'shout', 'my-llm', 'own-llm', 'ask']);
  await using upstream = await startUpstream();
  upstream.always({ json: { choices: [{ index: 0, message: { role: 'assistant', content: 'hi' } }] } });
  await using gateway = await startGateway({
    baseDir: folder,
    plugins: {
      'routes/openai': {},
      'providers/mock': {},
      './no-card-numbers.ts': {},
      './team-as-user.ts': {},
      './daily-limit.ts': { requests: 9 },
      './shout.ts': {},
      './ask.ts': {},
      'my-llm': { use: './my-llm.ts', ...upstream.provider() },
      'own-llm': { use: './own-llm.ts', ...upstream.provider() },
    },
  });
  const ask = (path: string, model: string, content: string, stream = false): Promise<Response> =>
    fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-team': 'red' },
      body: JSON.stringify({ model, stream, messages: [{ role: 'user', content }] }),
    });
  const chat = '/openai/v1/chat/completions';
  assert.equal((await ask(chat, 'mock/echo', '1234567812345678')).status, 403);
  assert.match(await (await ask(chat, 'mock/echo', 'hello')).text(), /"content":"HELLO"/);
  assert.match(await (await ask(chat, 'mock/echo', 'hello', true)).text(), /"content":"HELLO"/);
  assert.match(await (await ask('/ask', 'echo', 'hello')).text(), /"content":"HELLO"/);
  assert.equal(await (await fetch(`${gateway.url}/about`)).text(), 'ask me');
  assert.equal((await fetch(`${gateway.url}/openai/v1/models`)).status, 200);
  for (const model of ['my-llm/a', 'own-llm/a'])
    assert.match(await (await ask(chat, model, 'hello')).text(), /"content":"HI"/);
  const [mine, own] = upstream.requests.filter(({ method }) => method === 'POST');
  assert.deepEqual([mine?.url, mine?.headers.authorization], ['/v1/chat/completions', 'Bearer sk-upstream']);
  assert.deepEqual([own?.url, own?.headers['x-own-key']], ['/generate', 'sk-upstream']);
  assert.equal((mine!.json as { user?: string }).user, 'red');
  for (const model of ['my-llm/a', 'own-llm/a']) {
    const { output_text: text } = await new OpenAI({
      baseURL: `${gateway.url}/openai/v1`,
      apiKey: 'unused',
    }).responses.create({ model, input: 'hello' });
    assert.equal(text, 'HI');
  }
  assert.equal((await ask(chat, 'mock/echo', 'the last of the day')).status, 200);
  const refused = await ask(chat, 'mock/echo', 'one more');
  assert.equal(refused.status, 429);
  assert.match(await refused.text(), /everyone has used its 9 requests per day/);
});

test('the samples of the plugin-sdk README compile where the package is installed, and the one of the test kit runs', async () => {
  const installed = mkdtempSync(join(folder, 'installed-'));
  mkdirSync(join(installed, 'node_modules'));
  for (const name of ['zod', '@types'])
    symlinkSync(join(root, 'node_modules', name), join(installed, 'node_modules', name));
  symlinkSync(root, join(installed, 'node_modules', 'bifrost-kernel'));
  const samples = blocks('ts', readFileSync(join(root, 'plugin-sdk/README.md'), 'utf8'));
  for (const [number, text] of samples.entries()) writeFileSync(join(installed, `${number}.ts`), text);
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    types: ['node'],
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  writeFileSync(join(installed, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(installed, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  const run = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: installed });
  const compiled = await run(join(root, 'node_modules/typescript/bin/tsc'), '-p', '.').catch((error) => error);
  assert.equal(compiled.stdout, '');
  const { stdout } = await run(`${samples.findIndex((text) => text.includes('startGateway'))}.ts`);
  assert.match(stdout, /^429 1 \d+\n$/);
});

/** What `npm start` runs without a config of its own. */
function defaults(): Record<string, never> {
  return (
    parse(readFileSync(join(root, 'kernel/default.config.jsonc'), 'utf8'), [], { allowTrailingComma: true }) as {
      plugins: Record<string, never>;
    }
  ).plugins;
}

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'jsonc-parser';
import { commands } from '../kernel/cli/arguments.ts';
import { startGateway } from '../plugin-sdk/testing/index.ts';

/** Every command and every config of the README is run here. */

const root = resolve(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const scripts = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
  .scripts;
const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1]!);

const folder = mkdtempSync(join(tmpdir(), 'bifrost-readme-'));
mkdirSync(join(folder, 'node_modules', 'bifrost-kernel'), { recursive: true });
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(
  join(folder, 'node_modules', 'bifrost-kernel', 'package.json'),
  JSON.stringify({ type: 'module', exports: { './plugin-sdk': './sdk.js' } }),
);
writeFileSync(
  join(folder, 'node_modules', 'bifrost-kernel', 'sdk.js'),
  `export * from ${JSON.stringify(join(root, 'plugin-sdk/index.ts'))};\n`,
);
for (const name of ['zod', 'openai']) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));

test('each config of the README is accepted as printed', async () => {
  const configs = blocks('jsonc');
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
  for (const [, name] of readme.matchAll(/npm (?:run )?(start|test|bench|[a-z]+)(?=[\s`])/g)) {
    if (name !== 'ci' && name !== 'run') assert.ok(name !== undefined && name in scripts, `npm ${name}`);
  }
  for (const [, name] of readme.matchAll(/npx bifrost-kernel ([a-z]+)/g))
    assert.ok(name !== undefined && name in commands, String(name));
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

test('the SDK sample of the README runs as printed', async () => {
  await using gateway = await startGateway({ plugins: defaults() });
  const sample = blocks('ts').find((text) => text.includes("from 'openai'"))!;
  const file = join(folder, 'sample.ts');
  writeFileSync(file, sample.replaceAll('http://localhost:8080', gateway.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
  assert.equal(stdout.trim(), 'Hello!');
});

test('the plugin of the README loads and does what it says', async () => {
  writeFileSync(join(folder, 'greeting.ts'), blocks('ts').find((text) => text.includes('definePlugin'))!);
  await using gateway = await startGateway({
    baseDir: folder,
    plugins: { ...defaults(), './greeting.ts': { greeting: 'servus' } },
  });
  const reply = await fetch(`${gateway.url}/openai/v1/models`);
  assert.equal(reply.headers.get('x-greeting'), 'servus');
});

/** What `npm start` runs without a config of its own. */
function defaults(): Record<string, never> {
  return (
    parse(readFileSync(join(root, 'kernel/default.config.jsonc'), 'utf8'), [], { allowTrailingComma: true }) as {
      plugins: Record<string, never>;
    }
  ).plugins;
}

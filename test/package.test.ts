import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startBinary } from './kernel/started-binary.ts';

/** What is installed elsewhere is compiled, and is not what all other tests run. */

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'bifrost-package-'));
const built = join(folder, 'node_modules/bifrost-kernel');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const run = (cwd: string, ...args: string[]) => promisify(execFile)(process.execPath, args, { cwd });

before(async () => {
  mkdirSync(built, { recursive: true });
  await run(root, tsc, '-p', 'tsconfig.build.json', '--outDir', built);
  await run(root, '.ci/finish-build.mjs', built);
  // As npm would install them beside it.
  symlinkSync(join(root, 'node_modules'), join(built, 'node_modules'));
  for (const name of ['zod', '@types'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
});

after(() => rmSync(folder, { recursive: true, force: true }));

const plugin = /```ts\n([^`]*definePlugin[^`]*)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))![1]!;

test('the package answers a first request, with a plugin of its user', { timeout: 60_000 }, async (t) => {
  const gateway = startBinary(t, {
    root: built,
    config: {
      plugins: {
        'routes/openai': {},
        'routes/anthropic': {},
        'providers/mock': {},
        'plugins/dashboard': {},
        './mine.ts': {},
      },
    },
    files: { 'mine.ts': plugin },
  });
  await gateway.untilSaid('listening');
  const ask = (path: string): Promise<Response> =>
    fetch(gateway.url() + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"model":"mock/echo","max_tokens":9,"messages":[{"role":"user","content":"Hello!"}]}',
    });
  const chat = await ask('/openai/v1/chat/completions');
  assert.match(await chat.text(), /"content":"Hello!"/);
  assert.equal(chat.headers.get('x-greeting'), 'hello');
  assert.match(await (await ask('/anthropic/v1/messages')).text(), /"text":"Hello!"/);
  // Its pages are no code, and have to be there all the same.
  assert.equal((await fetch(`${gateway.url()}/ui/assets/dashboard.js`)).status, 200);
});

test('a plugin compiles against the package as any TypeScript does', { timeout: 60_000 }, async () => {
  const compilerOptions = { strict: true, module: 'nodenext', types: ['node'], outDir: 'compiled' };
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  writeFileSync(join(folder, 'mine.ts'), plugin);
  const kit = `import { startGateway } from 'bifrost-kernel/plugin-sdk/testing';\nimport mine from './mine.js';\nawait using gateway = await startGateway({ plugins: { mine: {} }, definitions: { mine } });\nconsole.log(gateway.url.startsWith('http'));\n`;
  writeFileSync(join(folder, 'mine.check.ts'), kit);
  const { stdout } = await run(folder, tsc, '-p', '.').catch((error) => error);
  assert.equal(stdout, '');
  const checked = await run(folder, 'compiled/mine.check.js');
  assert.equal(checked.stdout.trim(), 'true');
});

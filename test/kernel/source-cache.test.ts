import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';

const sourceCache = resolve(import.meta.dirname, '../../kernel/cli/source-cache.ts');

/** A program of two modules that says what the second of them holds. */
function program(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-sources-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  write(
    'main.mjs',
    `import { SourceCache } from ${JSON.stringify(sourceCache)};
    const cache = new SourceCache(${JSON.stringify(folder)}, (url) => !url.includes('secret'));
    cache.open();
    const { word } = await import(process.argv[2] ?? './says.mjs');
    await cache.close();
    process.stdout.write(word);`,
  );
  write('says.mjs', `export { word } from './word.ts';`);
  write('word.ts', `export const word: string = 'brook';`);
  const kept = (): string =>
    join(folder, readdirSync(folder).find((name) => name.endsWith('.sources')) ?? assert.fail('nothing is kept'));
  return {
    write,
    kept,
    remove: (name: string): void => rmSync(join(folder, name)),
    run: (...args: string[]) => {
      const { stdout, stderr } = spawnSync(process.execPath, [join(folder, 'main.mjs'), ...args], { encoding: 'utf8' });
      return { said: stdout, failed: stderr };
    },
    /** Shows who takes the module from what is kept. */
    forge: (): void => writeFileSync(kept(), readFileSync(kept(), 'latin1').replace("'brook'", "'river'")),
  };
}

test('what one start has loaded the next takes from one file', (t) => {
  const { run, forge } = program(t);
  assert.equal(run().said, 'brook');
  forge();
  assert.equal(run().said, 'river');
});

test('a module that was changed since is read anew, and kept as it is now', (t) => {
  const { run, write, kept } = program(t);
  run();
  write('word.ts', `export const word: string = 'creek';`);
  assert.equal(run().said, 'creek');
  assert.match(readFileSync(kept(), 'latin1'), /creek/);
  assert.doesNotMatch(readFileSync(kept(), 'latin1'), /brook/);
});

test('a module that is gone is missed as ever', (t) => {
  const { run, remove } = program(t);
  run();
  remove('word.ts');
  assert.match(run().failed, /Cannot find module .*word\.ts/);
});

test('starts that load different modules keep those of both', (t) => {
  const { run, write, kept } = program(t);
  run();
  write('other.mjs', `export const word = 'other';`);
  assert.equal(run('./other.mjs').said, 'other');
  assert.match(readFileSync(kept(), 'latin1'), /brook.*other/s);
});

test('a module with a query in its address is loaded as it is now', (t) => {
  const { run, kept } = program(t);
  assert.equal(run('./word.ts?v=1').said, 'brook');
  assert.throws(kept, /nothing is kept/);
});

test('what is not of the product is not kept', (t) => {
  const { run, write, kept } = program(t);
  write('secret.mjs', `export const word = 'sk-12345';`);
  assert.equal(run('./secret.mjs').said, 'sk-12345');
  assert.throws(kept, /nothing is kept/);
});

test('a file that others may write is not run', (t) => {
  const { run, forge, kept } = program(t);
  run();
  forge();
  chmodSync(kept(), 0o666);
  assert.equal(run().said, 'brook');
});

test('a file that is not whole, or no such file at all, is passed over and replaced', (t) => {
  const { run, kept } = program(t);
  for (const damage of [() => truncateSync(kept(), 150), () => writeFileSync(kept(), 'x'), () => rmSync(kept())]) {
    run();
    damage();
    assert.equal(run().said, 'brook');
    assert.match(readFileSync(kept(), 'latin1'), /brook/);
  }
});

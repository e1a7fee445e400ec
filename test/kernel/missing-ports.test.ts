import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { definePort, type PluginDefinition } from '../../plugin-sdk/index.ts';
import { startGateway } from '../../plugin-sdk/testing/index.ts';
import { plugin } from './chat-gateway.ts';

/** What a plugin requires and nobody provides. */

const folder = mkdtempSync(join(tmpdir(), 'bifrost-missing-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const refused = (definition: PluginDefinition): Promise<unknown> =>
  startGateway({ definitions: { lonely: definition }, plugins: { lonely: {} } });

test('check names every port that a `false` forbids, with its place', async () => {
  const file = join(folder, 'forbidden.jsonc');
  writeFileSync(
    file,
    '{ "plugins": {\n  "plugins/async-jobs": {},\n  "plugins/records": {},\n  "plugins/store-lmdb": false\n} }',
  );
  const main = resolve(import.meta.dirname, '../../kernel/main.js');
  const failed = await promisify(execFile)(process.execPath, [main, 'check', '--config', file], { cwd: folder }).catch(
    (error: { stderr: string }) => error,
  );
  assert.match(failed.stderr, /2 problems/);
  for (const [id, port] of [
    ['async-jobs', 'jobs'],
    ['records', 'records'],
  ])
    assert.match(
      failed.stderr,
      new RegExp(`4:25 plugins\\["plugins/store-lmdb"\\]: plugins/${id} requires port:${port}, .* while this is false`),
    );
});

test('a port that no plugin provides is named with the plugin that requires it', async () => {
  await assert.rejects(refused({ ...plugin('lonely', {}), requires: ['port:weather'] }), {
    code: 'CFG_INVALID',
    message:
      /plugins.lonely: lonely requires port:weather, which nothing in the config provides; add a plugin that does/,
  });
});

test('a port itself among what a plugin requires is told from its name', async () => {
  writeFileSync(
    join(folder, 'wrong.mjs'),
    'export default { name: "wrong", options: {}, requires: [{ capability: "port:weather" }], setup: () => ({}) };',
  );
  await assert.rejects(startGateway({ baseDir: folder, plugins: { './wrong.mjs': {} } }), {
    message: /wrong\.mjs is not usable: requires must be a list of names; of a port, its `capability`/,
  });
});

test('a plugin that asks for a port without requiring it is told so', async () => {
  const weather = definePort<object>('weather');
  const asking: PluginDefinition = { ...plugin('lonely', {}), setup: (_, host) => host.port(weather) };
  await assert.rejects(refused(asking), {
    message:
      /did not set up: .*requires port:weather, which nothing in the config provides. Name it in `requires`.*[^.]\.$/,
  });
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { graphMaker } from '../../plugins/semantic-cache/graph-maker.ts';
import { IndexFiles } from '../../plugins/semantic-cache/index-files.ts';
import { PartitionIndex } from '../../plugins/semantic-cache/partition-index.ts';
import { openCache } from './cache-entries.ts';
import { numberedVector } from './numbered-vector.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const childFile = join(import.meta.dirname, 'semantic-index-child.ts');

test('a process killed while it saves its index leaves one that agrees with the store, or none', async (t) => {
  const { dataDir, store } = openCache(t);
  const folder = join(dataDir, 'semantic', store.vectorsId);
  const maker = await graphMaker({ log });
  let halfWritten = 0;
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, [childFile, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 20 + round * 23));
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (const name of readdirSync(folder).filter((one) => one.startsWith('new.'))) {
      halfWritten += 1;
      utimesSync(join(folder, name), new Date(0), new Date(0));
    }

    const files = new IndexFiles({ dataDir, log }, store.vectorsId, maker);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('new.')),
      [],
      'what was half written is gone',
    );
    const index = new PartitionIndex(store, 'partition', files);
    await index.follow();
    const rows = store.vectors('partition', 0, 100_000);
    assert.ok(rows.length > 400);
    assert.equal(index.size, rows.length, 'as many as the store has');
    for (const { position, key, vector } of rows) {
      const number = Number(key.slice('key-'.length));
      assert.deepEqual(vector, numberedVector(number), 'each entry has its own vector');
      if (number % 7 === 0) assert.equal(index.search(vector, 0.99)[0]?.position, position);
    }
  }
  t.diagnostic(`killed ${halfWritten} of 6 times with a file half written`);
});

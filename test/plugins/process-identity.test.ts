import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { isGone, thisProcess } from '../../plugins/store-lmdb/process-identity.ts';

const file = join(import.meta.dirname, '../../plugins/store-lmdb/process-identity.ts');

test('knows a process that ended from one that runs', () => {
  const script = `import { thisProcess } from ${JSON.stringify(file)}; process.stdout.write(thisProcess);`;
  const ended = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(isGone(ended), true);
  assert.equal(isGone(thisProcess), false);
});

test('says nothing about a process of another machine or container', () => {
  const [pid, start] = thisProcess.split(' ', 2);
  assert.equal(isGone(`${pid} ${start} elsewhere pid:[1]`), false);
});

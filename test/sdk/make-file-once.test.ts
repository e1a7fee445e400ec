import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeFileOnce } from '../../plugin-sdk/make-file-once.ts';

const folder = mkdtempSync(join(tmpdir(), 'make-file-once-'));
after(() => rmSync(folder, { recursive: true }));

test('makes a file that only this user may read, and reads it from then on', () => {
  const path = join(folder, 'key');
  assert.equal(makeFileOnce(path, () => 'first').toString(), 'first');
  assert.equal(makeFileOnce(path, () => assert.fail('made again')).toString(), 'first');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['key']);
});

test('takes the content of whoever made the file meanwhile', () => {
  const path = join(folder, 'raced');
  const content = (): string => {
    makeFileOnce(path, () => 'theirs');
    return 'ours';
  };
  assert.equal(makeFileOnce(path, content).toString(), 'theirs');
});

test('leaves nothing behind when it cannot be written whole', () => {
  const path = join(folder, 'never');
  const content = (): string => {
    throw new Error('no room');
  };
  assert.throws(() => makeFileOnce(path, content), /no room/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('never')),
    [],
  );
});

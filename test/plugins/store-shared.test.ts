import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { open } from 'lmdb';
import { commit, commitSync } from '../../plugins/store-lmdb/commit.ts';
import { closeShared, type Environment, openDatabase, openShared } from '../../plugins/store-lmdb/open-shared.ts';

function folder(test: TestContext): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-shared-'));
  test.after(() => rmSync(dataDir, { recursive: true, force: true }));
  return dataDir;
}

function openSome(test: TestContext, dataDir: string): Environment {
  const environment = openShared(join(dataDir, 'some'), { maxDbs: 4, mapSize: 2 ** 28 });
  test.after(() => closeShared(environment));
  return environment;
}

test('no commit is lost while other processes open the environment', async (test) => {
  const dataDir = folder(test);
  const environment = openSome(test, dataDir);
  const rows = openDatabase<number, string>(environment, 'rows');
  const opener = fileURLToPath(new URL('store-opener.ts', import.meta.url));
  let open = true;
  const openers = Promise.all(
    [1, 2].map(() => promisify(execFile)(process.execPath, [opener, dataDir, '1000'], { timeout: 30_000 })),
  ).finally(() => {
    open = false;
  });
  let commits = 0;
  const increment = (): void => {
    assert.equal(rows.get('count') ?? 0, commits);
    rows.put('count', commits + 1);
  };
  while (open) {
    await commit(environment, increment);
    commits += 1;
    commitSync(environment, increment);
    commits += 1;
  }
  const opened = (await openers).map(({ stdout }) => Number(stdout));
  assert.ok(
    opened.every((count) => count > 10),
    `opened ${opened.join(' and ')} times`,
  );
  assert.ok(commits > 100, `${commits} commits`);
});

test('processes open and close an environment beside each other', async (test) => {
  const dataDir = folder(test);
  const opener = fileURLToPath(new URL('store-opener.ts', import.meta.url));
  const opened = await Promise.all(
    [1, 2, 3].map(() => promisify(execFile)(process.execPath, [opener, dataDir, '500'], { timeout: 30_000 })),
  );
  for (const { stdout } of opened) assert.ok(Number(stdout) > 10, stdout);
});

test('a commit waits while a process opens, and not for one that died doing so', async (test) => {
  const dataDir = folder(test);
  const environment = openSome(test, dataDir);
  const rows = openDatabase<string, string>(environment, 'rows');
  const sign = join(dataDir, 'some', 'opening');
  assert.equal(existsSync(sign), false);
  for (const write of [commit, commitSync]) {
    writeFileSync(sign, '');
    await write(environment, () => {
      assert.equal(existsSync(sign), false);
      void rows.put('written', write.name);
    });
    assert.equal(rows.get('written'), write.name);
  }
});

test('what a commit throws is thrown again, and a commit that writes nothing is one', async (test) => {
  const environment = openSome(test, folder(test));
  for (const write of [commit, commitSync]) {
    assert.equal(await write(environment, () => undefined), undefined);
    await assert.rejects(async () => {
      await write(environment, () => {
        throw new Error('no');
      });
    }, /^Error: no$/);
  }
});

test('an environment that was opened otherwise is written as ever', async (test) => {
  const environment = open({ path: join(folder(test), 'other'), maxDbs: 4, mapSize: 2 ** 28 });
  test.after(() => environment.close());
  const rows = openDatabase<number, string>(environment, 'rows');
  await commit(environment, () => rows.put('one', 1));
  assert.equal(rows.get('one'), 1);
});

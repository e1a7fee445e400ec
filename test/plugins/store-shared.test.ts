import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { open } from 'lmdb';
import { close, commit, commitSync, writesAlone } from '../../plugins/store-lmdb/commit.ts';
import { closeShared, type Environment, openDatabase, openShared } from '../../plugins/store-lmdb/open-shared.ts';

function folder(test: TestContext): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-shared-'));
  test.after(() => rmSync(dataDir, { recursive: true, force: true }));
  return dataDir;
}

function openSome(test: TestContext, dataDir: string, name = 'some'): Environment {
  const environment = openShared(join(dataDir, name), { maxDbs: 4, mapSize: 2 ** 28 });
  test.after(() => closeShared(environment));
  return environment;
}

/** Stops this thread. */
function stand(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

interface Counter {
  readonly commits: number;
  increment(this: void): void;
}

/** A row that counts its own commits, and fails when one of them is gone. */
function counter(environment: Environment): Counter {
  const rows = openDatabase<number, string>(environment, 'rows');
  let commits = 0;
  return {
    get commits() {
      return commits;
    },
    increment() {
      assert.equal(rows.get('count') ?? 0, commits);
      commits += 1;
      void rows.put('count', commits);
    },
  };
}

interface Openers {
  readonly running: boolean;
  /** How often each opened both environments. */
  readonly counts: Promise<number[]>;
}

/** Processes that open and close the environments of a folder for some time. */
function openers(dataDir: string, count: number, ms: number): Openers {
  const script = fileURLToPath(new URL('store-opener.ts', import.meta.url));
  const run = async (): Promise<number> => {
    const { stdout } = await promisify(execFile)(process.execPath, [script, dataDir, String(ms)], { timeout: 30_000 });
    return Number(stdout);
  };
  let running = true;
  const counts = Promise.all(Array.from({ length: count }, run)).finally(() => {
    running = false;
  });
  return {
    get running() {
      return running;
    },
    counts,
  };
}

test('no commit is lost while other processes open the environment', async (test) => {
  const dataDir = folder(test);
  const environment = openSome(test, dataDir);
  const counted = counter(environment);
  const open = openers(dataDir, 2, 1_000);
  while (open.running) {
    await commit(environment, counted.increment);
    commitSync(environment, counted.increment);
  }
  for (const count of await open.counts) assert.ok(count > 2, `opened ${count} times`);
  assert.ok(counted.commits > 20, `${counted.commits} commits`);
});

test('commits of two environments, many at once, never wait for an opener that waits for them', async (test) => {
  const dataDir = folder(test);
  const some = openSome(test, dataDir);
  const other = openSome(test, dataDir, 'other');
  const [counted, atOnce] = [counter(some), counter(other)];
  const open = openers(dataDir, 2, 1_000);
  const one = async (): Promise<void> => {
    while (open.running) {
      await commit(some, counted.increment);
      await setTimeout(Math.random() * 2);
      commitSync(other, atOnce.increment);
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  for (const count of await open.counts) assert.ok(count > 2, `opened ${count} times`);
});

test('closing waits for a commit that an opener waits for', async (test) => {
  const dataDir = folder(test);
  const environment = openShared(join(dataDir, 'some'), { maxDbs: 4, mapSize: 2 ** 28, ...writesAlone });
  const counted = counter(environment);
  await commit(environment, counted.increment);
  const written = commit(environment, counted.increment);
  // The transaction begins, and then an opener comes, while this thread does not go on.
  await setImmediate();
  stand(100);
  const open = openers(dataDir, 1, 1);
  stand(1_000);
  await close(environment);
  await written;
  assert.deepEqual(await open.counts, [1]);
});

test('processes open and close an environment beside each other', async (test) => {
  for (const count of await openers(folder(test), 3, 500).counts) assert.ok(count > 2, `opened ${count} times`);
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

import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ThreadedJobs } from '../../plugins/store-lmdb/threaded-jobs.ts';
import { startBinary } from '../kernel/started-binary.ts';

const deadline = { timeout: 60_000 };
const pageBytes = 4_096;
const plugins = {
  'routes/openai': {},
  'providers/mock': {},
  'plugins/records': {},
  'plugins/cache': {},
  'plugins/async-jobs': {},
};

const harms: Readonly<Record<string, (file: string) => void>> = {
  'is cut off': (file) => truncateSync(file, pageBytes + 1_000),
  'is something else': (file) => writeFileSync(file, Buffer.alloc(8 * pageBytes, 'x')),
  'has lost all behind its head'(file) {
    const { size } = statSync(file);
    truncateSync(file, 2 * pageBytes);
    truncateSync(file, size);
  },
  'has pages that say they hold more than a page'(file) {
    const bytes = readFileSync(file);
    for (let at = 2 * pageBytes; at + pageBytes <= bytes.length; at += pageBytes) bytes.writeUInt16LE(0xffff, at + 20);
    writeFileSync(file, bytes);
  },
};

test(
  'a damaged file of the store is named at the start, with what to do, and one of the cache is begun anew',
  deadline,
  async (t) => {
    const good = await filledFolder(t);
    for (const [what, harm] of Object.entries(harms)) {
      for (const environment of ['store', 'ledger', 'records', 'jobs']) {
        const folder = copyOf(good, t);
        harm(join(folder, environment, 'data.mdb'));
        const gateway = startBinary(t, { config: { dataDir: folder, plugins } });
        assert.equal(await gateway.exit, 78, `${environment} ${what}: ${gateway.output()}`);
        assert.match(gateway.output(), new RegExp(`${environment}/data.mdb is damaged \\(.+\\); put a backup`));
      }
      const folder = copyOf(good, t);
      harm(join(folder, 'cache', 'data.mdb'));
      const gateway = startBinary(t, { config: { dataDir: folder, plugins } });
      await gateway.untilSaid('listening');
      assert.equal(await ask(gateway.url()), 'miss', what);
      assert.equal(await ask(gateway.url()), 'hit', what);
      gateway.child.kill();
      assert.equal(await gateway.exit, 0);
    }
  },
);

test('a file of the jobs that is damaged later is named in the log, not to callers', async (t) => {
  const folder = temporary(t);
  writeFileSync(join(folder, 'data.mdb'), Buffer.alloc(8 * pageBytes, 'x'));
  const causes: unknown[] = [];
  const log = { error: ({ err }: { readonly err?: unknown }): void => void causes.push(err) };
  const jobs = new ThreadedJobs(folder, 1024 ** 2, { now: () => Date.now() }, log);
  const told = await jobs.counts().catch(String);
  assert.match(String(told), /The store is not available: .*log says why/);
  assert.ok(!String(told).includes(folder), String(told));
  assert.match(String(causes[0]), /data.mdb is damaged/);
});

async function filledFolder(t: TestContext): Promise<string> {
  const folder = temporary(t);
  const gateway = startBinary(t, { config: { dataDir: folder, plugins } });
  await gateway.untilSaid('listening');
  assert.equal(await ask(gateway.url()), 'miss');
  await gateway.until(() => existsSync(join(folder, 'jobs', 'data.mdb')));
  gateway.child.kill();
  assert.equal(await gateway.exit, 0);
  return folder;
}

function copyOf(folder: string, t: TestContext): string {
  const copy = temporary(t);
  cpSync(folder, copy, { recursive: true });
  return copy;
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-damaged-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Gives what the cache said. */
async function ask(url: string): Promise<string | null> {
  const reply = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'hi' }] }),
  });
  assert.equal(reply.status, 200, await reply.text());
  return reply.headers.get('x-bf-cache');
}

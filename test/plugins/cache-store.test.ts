import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Host } from '../../plugin-sdk/index.ts';
import { LmdbCache } from '../../plugins/store-lmdb/cache.ts';
import { cacheEntry, noon, openCache } from './cache-entries.ts';

const roomy = { maxEntries: 1_000, maxBytes: 1e9, maxEntryBytes: 1e6 };

test('gives back what was put, to its own scope only', async (t) => {
  const { store } = openCache(t);
  const entry = cacheEntry(1);
  await store.put(entry, roomy);
  assert.deepEqual(store.get('scope-1', 'key-1'), entry);
  assert.equal(store.get('scope-2', 'key-1'), undefined);
  assert.deepEqual({ ...store.stats(), bytes: 0 }, { entries: 1, bytes: 0 });
});

test('an entry ends at its time and is swept', async (t) => {
  const { store, clock } = openCache(t);
  await store.put(cacheEntry(1), roomy);
  await store.put(cacheEntry(2, { expiresAt: noon + 120_000 }), roomy);
  clock.advance(60_000);
  assert.equal(store.get('scope-1', 'key-1'), undefined);
  assert.equal(store.list({}, 10).entries.length, 1);
  assert.equal(await store.sweep(100), 1);
  assert.equal(store.stats().entries, 1);
  assert.ok(store.get('scope-2', 'key-2'));
});

test('the least recently used make room, by count and by bytes', async (t) => {
  const { store, clock } = openCache(t);
  for (const i of [0, 1, 2]) {
    await store.put(cacheEntry(i, { scope: 's', time: clock.now(), expiresAt: noon + 1e9 }), roomy);
    clock.advance(20_000);
  }
  store.get('s', 'key-0');
  clock.advance(20_000);
  await store.put(cacheEntry(3, { scope: 's', time: clock.now(), expiresAt: noon + 1e9 }), { ...roomy, maxEntries: 3 });
  assert.deepEqual(
    store.list({}, 10).entries.map(({ key }) => key),
    ['key-0', 'key-2', 'key-3'],
  );
  const each = store.stats().bytes / 3;
  await store.put(cacheEntry(4, { scope: 's', time: clock.now(), expiresAt: noon + 1e9 }), {
    ...roomy,
    maxBytes: each * 2 + 1,
  });
  assert.deepEqual(
    store.list({}, 10).entries.map(({ key }) => key),
    ['key-3', 'key-4'],
  );
  assert.equal(store.stats().bytes, each * 2);
});

test('putting again replaces, and the sums stay right', async (t) => {
  const { store } = openCache(t);
  for (let i = 0; i < 5; i++) await store.put(cacheEntry(1, { request: `req-${i}` }), roomy);
  assert.equal(store.stats().entries, 1);
  assert.equal(store.get('scope-1', 'key-1')?.request, 'req-4');
  assert.equal(await store.delete({ scope: 'scope-1', key: 'key-1' }), 1);
  assert.deepEqual(store.stats(), { entries: 0, bytes: 0 });
});

test('lists in pages and clears by scope, namespace and filling request', async (t) => {
  const { store } = openCache(t);
  for (let i = 0; i < 12; i++) await store.put(cacheEntry(i, { namespace: i % 2 === 0 ? 'even' : 'odd' }), roomy);
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = store.list({ namespace: 'even' }, 4, cursor);
    keys.push(...page.entries.map(({ key }) => key));
    cursor = page.next;
  } while (cursor !== undefined);
  assert.deepEqual(keys.sort(), ['key-0', 'key-10', 'key-2', 'key-4', 'key-6', 'key-8']);
  assert.equal(await store.delete({ request: 'req-3' }), 1);
  assert.equal(await store.delete({ namespace: 'even' }), 6);
  assert.equal(await store.delete({ scope: 'scope-2' }), 2);
  assert.equal(await store.delete({}), 3);
  assert.deepEqual(store.stats(), { entries: 0, bytes: 0 });
});

test('a vector is there as long as its entry', async (t) => {
  const { store } = openCache(t);
  for (const i of [1, 4]) {
    await store.put(cacheEntry(i), roomy);
    assert.equal(await store.addVector('scope-1', `key-${i}`, 'p', Float32Array.of(i, 0.5)), true);
  }
  assert.equal(await store.addVector('scope-1', 'unknown', 'p', Float32Array.of(1)), false);
  const rows = store.vectors('p', 0, 10);
  assert.deepEqual(
    rows.map(({ key, vector }) => [key, ...vector]),
    [
      ['key-1', 1, 0.5],
      ['key-4', 4, 0.5],
    ],
  );
  assert.equal(store.vectorAt('p', rows[1]!.position)?.key, 'key-4');
  await store.delete({ scope: 'scope-1', key: 'key-4' });
  assert.equal(store.vectorAt('p', rows[1]!.position), undefined);
  assert.equal(store.countVectors('p'), 1);
  assert.deepEqual(store.vectors('p', rows[0]!.position, 10), []);
  assert.deepEqual(store.vectors('q', 0, 10), []);
});

test('survives being closed and opened', async (t) => {
  const { store, reopen } = openCache(t);
  await store.put(cacheEntry(1), roomy);
  const again = await reopen();
  assert.equal(again.get('scope-1', 'key-1')?.request, 'req-1');
  assert.equal(again.vectorsId, store.vectorsId);
});

test('starts anew where its file is no database', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-cache-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const first = openCacheAt(dataDir);
  await first.store.put(cacheEntry(1), roomy);
  await first.close();
  writeFileSync(join(dataDir, 'cache', 'data.mdb'), Buffer.alloc(65_536, 7));
  const { store, close } = openCacheAt(dataDir);
  assert.equal(store.stats().entries, 0);
  await store.put(cacheEntry(2), roomy);
  assert.equal(store.stats().entries, 1);
  await close();
});

test('a writer killed at any moment leaves a store in which everything agrees', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-cache-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'cache-child.ts'), dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 30 + round * 37));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const { store, close } = openCacheAt(dataDir);
    const { entries } = store.list({}, 10_000);
    assert.ok(entries.length > 0);
    assert.deepEqual(store.stats(), {
      entries: entries.length,
      bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
    });
    for (const { scope, key } of entries) {
      const number = Number(key.slice('key-'.length));
      assert.deepEqual(store.get(scope, key)?.content, cacheEntry(number).content);
    }
    const known = new Set(entries.map(({ scope, key }) => `${scope} ${key}`));
    const rows = [0, 1, 2, 3].flatMap((i) => store.vectors(`partition-${i}`, 0, 10_000));
    assert.ok(rows.length > 0);
    for (const { scope, key, vector } of rows) {
      assert.ok(known.has(`${scope} ${key}`));
      assert.equal(vector[0], Number(key.slice('key-'.length)));
    }
    await close();
  }
});

function openCacheAt(dataDir: string): { store: LmdbCache; close(): Promise<void> } {
  let close = (): unknown => undefined;
  const shared = <T>(_key: string, create: () => T, end: (value: T) => unknown): T => {
    const value = create();
    close = () => end(value);
    return value;
  };
  const store = new LmdbCache({ dataDir, shared, clock: { now: () => Date.now() } } as unknown as Host, 1024 ** 3);
  return { store, close: async () => void (await close()) };
}

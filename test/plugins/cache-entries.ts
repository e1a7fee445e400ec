import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Host } from '../../plugin-sdk/index.ts';
import type { CacheEntry } from '../../plugin-sdk/ports/cache.ts';
import { FakeClock } from '../../plugin-sdk/testing/index.ts';
import { LmdbCache } from '../../plugins/store-lmdb/cache.ts';

export const noon = Date.parse('2026-11-01T12:00:00Z');

/** An entry with what a test cares about. */
export function cacheEntry(i: number, more: Partial<CacheEntry> = {}): CacheEntry {
  return {
    scope: `scope-${i % 3}`,
    key: `key-${i}`,
    namespace: '',
    time: noon,
    expiresAt: noon + 60_000,
    operation: 'chat',
    dialect: 'openai.chat',
    provider: 'openai',
    model: 'gpt',
    request: `req-${i}`,
    content: { type: 'json', json: { number: i, text: 'x'.repeat(100) } },
    ...more,
  };
}

/** A store of its own in a folder that goes with the test. `reopen` gives what is on the disk. */
export function openCache(test: TestContext, clock = new FakeClock(noon)) {
  const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-cache-'));
  let close: () => unknown = () => undefined;
  const open = (): LmdbCache => {
    const shared = <T>(_key: string, create: () => T, end: (value: T) => unknown): T => {
      const value = create();
      close = () => end(value);
      return value;
    };
    return new LmdbCache({ dataDir, shared, clock } as unknown as Host, 1024 ** 3);
  };
  test.after(async () => {
    await close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    dataDir,
    clock,
    store: open(),
    async reopen() {
      await close();
      return open();
    },
  };
}

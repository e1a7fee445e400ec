import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Host } from '../../plugin-sdk/index.ts';
import type { ExchangeRecord } from '../../plugin-sdk/ports/records.ts';
import { LmdbRecords } from '../../plugins/store-lmdb/records.ts';

/** A store of its own in a folder that goes with the test. `reopen` gives the same records from the disk. */
export function openStore(test: TestContext): { dataDir: string; store: LmdbRecords; reopen(): Promise<LmdbRecords> } {
  const dataDir = mkdtempSync(join(tmpdir(), 'bifrost-records-'));
  let close: () => unknown = () => undefined;
  const open = (): LmdbRecords => {
    const shared = <T>(_key: string, create: () => T, end: (value: T) => unknown): T => {
      const value = create();
      close = () => end(value);
      return value;
    };
    return new LmdbRecords({ dataDir, shared } as unknown as Host, 1024 ** 3);
  };
  test.after(async () => {
    await close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    dataDir,
    store: open(),
    async reopen() {
      await close();
      return open();
    },
  };
}

export const start = Date.parse('2026-11-01T00:00:00Z');

/** A record with what a test cares about; one a second. */
export function recordNumber(i: number, more: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    id: `req-${i}`,
    time: start + i * 1_000,
    operation: 'chat',
    dialect: 'openai.chat',
    stream: false,
    caller: { id: 'vk-1', kind: 'virtual-key' },
    status: 200,
    origin: 'upstream',
    clientGone: false,
    durationMs: 10,
    attempts: [],
    chunks: 0,
    bytesIn: 0,
    bytesOut: 0,
    lossy: [],
    links: {},
    metadata: {},
    generation: '1-aaaa',
    decisions: [],
    ...more,
  };
}

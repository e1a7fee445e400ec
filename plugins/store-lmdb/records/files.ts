import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { Host } from '../../../plugin-sdk/index.ts';
import { close, writesAlone } from '../commit.ts';
import { makeFolder } from '../make-folder.ts';
import type { BlockHead } from './block.ts';
import { Words } from './words.ts';

/**
 * The records' own LMDB environment, under `<dataDir>/records`: writing logs never waits for the ledger, nor the ledger
 * for logs. Commits are flushed in the background; a power cut may lose the last moments, never the rest.
 */
export interface RecordFiles {
  readonly root: RootDatabase;
  /** Block number → its columns. */
  readonly blocks: Database<Buffer, number>;
  readonly heads: Database<BlockHead, number>;
  /** Row number → what has no column. */
  readonly rows: Database<string, number>;
  readonly contents: Database<string, number>;
  /** Exchange ids, and `r:` before response ids → row number. */
  readonly ids: Database<number, string>;
  /** `next` → the next row number. */
  readonly counters: Database<number, string>;
  readonly words: Words;
}

/** Opens the environment once per process. */
export function openRecordFiles(host: Host, mapBytes: number): RecordFiles {
  return host.shared(
    `store-lmdb-records:${host.dataDir}`,
    () => {
      const path = join(host.dataDir, 'records');
      makeFolder(path);
      const root = open({ path, maxDbs: 16, mapSize: mapBytes, encoding: 'msgpack', ...writesAlone });
      return {
        root,
        blocks: root.openDB<Buffer, number>({ name: 'blocks', encoding: 'binary' }),
        heads: root.openDB<BlockHead, number>({ name: 'heads' }),
        rows: root.openDB<string, number>({ name: 'rows', encoding: 'string' }),
        contents: root.openDB<string, number>({ name: 'contents', encoding: 'string', compression: true }),
        ids: root.openDB<number, string>({ name: 'ids' }),
        counters: root.openDB<number, string>({ name: 'counters' }),
        words: new Words(root.openDB<number | string, string | number>({ name: 'words' })),
      };
    },
    (files) => close(files.root),
  );
}

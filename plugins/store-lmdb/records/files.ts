import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Database } from 'lmdb';
import type { Host } from '../../../plugin-sdk/index.ts';
import { close, writesAlone } from '../commit.ts';
import { type Environment, openDatabase, openShared } from '../open-shared.ts';
import type { BlockHead } from './block.ts';
import { Words } from './words.ts';

/**
 * The records' own LMDB environment, under `<dataDir>/records`: writing logs never waits for the ledger, nor the ledger
 * for logs. Commits are flushed in the background; a power cut may lose the last moments, never the rest.
 */
export interface RecordFiles {
  readonly root: Environment;
  /** Block number → its columns. */
  readonly blocks: Database<Buffer, number>;
  readonly heads: Database<BlockHead, number>;
  /** Row number → what has no column. */
  readonly rows: Database<string, number>;
  readonly contents: Database<string, number>;
  /** By {@link idKey} of exchanges and {@link responseKey} of replies → row number. */
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
      const root = openShared(join(host.dataDir, 'records'), {
        maxDbs: 16,
        mapSize: mapBytes,
        encoding: 'msgpack',
        ...writesAlone,
      });
      return {
        root,
        blocks: openDatabase<Buffer, number>(root, 'blocks', { encoding: 'binary' }),
        heads: openDatabase<BlockHead, number>(root, 'heads'),
        rows: openDatabase<string, number>(root, 'rows', { encoding: 'string' }),
        contents: openDatabase<string, number>(root, 'contents', { encoding: 'string', compression: true }),
        ids: openDatabase<number, string>(root, 'ids'),
        counters: openDatabase<number, string>(root, 'counters'),
        words: new Words(openDatabase<number | string, string | number>(root, 'words')),
      };
    },
    (files) => close(files.root),
  );
}

/** Code units, each up to three bytes; LMDB refuses keys above 1,978 bytes, and with one record its whole batch. */
const longestId = 400;

/** Where `ids` has an id. Clients ask for any and providers give theirs any length: a long one stands there as a digest. */
export function idKey(id: string): string {
  return id.length <= longestId ? id : createHash('sha256').update(id).digest('base64');
}

/** The same for the id of a reply. */
export function responseKey(id: string): string {
  return `r:${idKey(id)}`;
}

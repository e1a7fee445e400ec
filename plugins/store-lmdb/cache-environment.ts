import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'lmdb';
import type { Host } from '../../plugin-sdk/host.ts';
import type { CacheHead } from '../../plugin-sdk/ports/cache.ts';
import { close, writesAlone } from './commit.ts';
import { damageOf } from './damage.ts';
import { closeShared, type Environment, openDatabase, openShared, whileAlone } from './open-shared.ts';

export interface StoredHead extends CacheHead {
  readonly bytes: number;
  /** CRC-32 of the content. */
  readonly check: number;
  /** When it last answered, in milliseconds since 1970; a little behind, to spare writes. */
  readonly used: number;
  /** Partition and position of its vector. */
  readonly vector?: readonly [string, number];
}

export interface StoredVector {
  readonly scope: string;
  readonly key: string;
  readonly vector: Uint8Array;
}

export interface StoredClaim {
  /** The process; see `process-identity.ts`. */
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export type EntryKey = [scope: string, key: string];

/**
 * The cache's own LMDB environment, under `<dataDir>/cache`. Nothing waits for the disk here: a killed process loses
 * nothing that was committed, a power cut may lose the cache, and one that cannot be read is started anew.
 */
export interface CacheFiles {
  readonly root: Environment;
  readonly heads: Database<StoredHead, EntryKey>;
  readonly contents: Database<string, EntryKey>;
  /** Least recently used first. */
  readonly order: Database<true, [number, string, string]>;
  readonly expiry: Database<true, [number, string, string]>;
  readonly vectors: Database<StoredVector, [string, number]>;
  /** Who is about to fill an entry. */
  readonly claims: Database<StoredClaim, EntryKey>;
  /** `entries`, `bytes`, `position`. */
  readonly counters: Database<number, string>;
  readonly id: string;
}

/** Opens the environment once per process. */
export function openCacheFiles(host: Pick<Host, 'dataDir' | 'shared'>, mapBytes: number): CacheFiles {
  return host.shared(
    `store-lmdb-cache:${host.dataDir}`,
    () => {
      const path = join(host.dataDir, 'cache');
      if (damageOf(join(path, 'data.mdb')) !== undefined) rmSync(path, { recursive: true, force: true });
      return openFiles(path, mapBytes);
    },
    (files) => close(files.root),
  );
}

function openFiles(path: string, mapBytes: number): CacheFiles {
  const root = openShared(path, {
    maxDbs: 12,
    mapSize: mapBytes,
    encoding: 'msgpack',
    noSync: true,
    ...writesAlone,
  });
  try {
    const about = openDatabase<string, string>(root, 'about', { encoding: 'string' });
    return {
      root,
      heads: openDatabase<StoredHead, EntryKey>(root, 'heads'),
      contents: openDatabase<string, EntryKey>(root, 'contents', { encoding: 'string', compression: true }),
      order: openDatabase<true, [number, string, string]>(root, 'order'),
      expiry: openDatabase<true, [number, string, string]>(root, 'expiry'),
      vectors: openDatabase<StoredVector, [string, number]>(root, 'vectors'),
      claims: openDatabase<StoredClaim, EntryKey>(root, 'claims'),
      counters: openDatabase<number, string>(root, 'counters'),
      id: whileAlone(path, () => identity(about)),
    };
  } catch (cause) {
    void closeShared(root);
    throw cause;
  }
}

/** The first process to open a new environment names it. */
function identity(about: Database<string, string>): string {
  return about.transactionSync(() => {
    const known = about.get('id');
    if (known !== undefined) return known;
    const id = randomUUID();
    about.put('id', id);
    return id;
  });
}

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeFileOnce } from '../../plugin-sdk/make-file-once.ts';

/**
 * Makes the folder of an LMDB environment, with its lock file. LMDB maps that file into memory and makes it without room on
 * the disk, so that on a full one the first write to it ends the process by SIGBUS. Throws what node:fs throws.
 */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const lock = join(path, 'lock.mdb');
  // Never opened when it is there: closing it would give up the locks that this process may hold on it.
  if (!existsSync(lock)) makeFileOnce(lock, () => Buffer.alloc(lockBytes), 0o664);
}

/** More than LMDB needs for its 126 readers. */
const lockBytes = 16_384;

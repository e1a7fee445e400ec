import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Where things stand in a page, in one of the two meta pages, in a node of a leaf and in what the node of a tree holds (LMDB's mdb.c). */
const page = { number: 0, kind: 18, nodesEnd: 20, nodes: 24 };
const meta = { magic: 24, pageSize: 48, freeRoot: 88, mainRoot: 136, bytes: 176 };
const node = { flags: 4, keyBytes: 6, key: 8 };
const tree = { root: 40 };

const magic = 0xbeefc0de;
const kinds = { branch: 1, leaf: 2 };
const holdsTree = 2;
/** The root of a tree that holds nothing. */
const nothing = 0xffff_ffff_ffff_ffffn;
const mostLooks = 3;

/**
 * Why LMDB could not work with a data file, as far as the roots of its trees tell; undefined when they are in order, or there
 * is no file yet. LMDB maps the file into memory and believes what it finds there: a file that was cut off, or is none of its
 * own, ends the process by a signal, without a word.
 */
export function damageOf(path: string): string | undefined {
  let found: string | undefined;
  // Another process may write meanwhile, and use a page anew that was a root a moment ago.
  for (let looks = 0; looks < mostLooks; looks++) {
    found = damageSeen(path);
    if (found === undefined) return undefined;
  }
  return found;
}

function damageSeen(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    if (fstatSync(file).size === 0) return undefined;
    const first = read(file, 0, meta.bytes);
    if (!isMeta(first)) return 'it does not begin as such a file does';
    const second = read(file, first.readUInt32LE(meta.pageSize), meta.bytes);
    // After a crash of the machine LMDB may go back to the older one.
    const isInOrder = isMeta(second) && [first, second].some((each) => hasRoots(file, each));
    return isInOrder ? undefined : 'pages that it needs are missing or overwritten';
  } finally {
    closeSync(file);
  }
}

function isMeta(bytes: Buffer): boolean {
  return bytes.length === meta.bytes && bytes.readUInt32LE(meta.magic) === magic;
}

function hasRoots(file: number, bytes: Buffer): boolean {
  const pageBytes = bytes.readUInt32LE(meta.pageSize);
  try {
    const free = rootPage(file, bytes.readBigUInt64LE(meta.freeRoot), pageBytes);
    const main = rootPage(file, bytes.readBigUInt64LE(meta.mainRoot), pageBytes);
    if (free === undefined || main === undefined) return false;
    return rootsIn(main).every((root) => rootPage(file, root, pageBytes) !== undefined);
  } catch (error) {
    // What says where something stands points out of its page, or of any file.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Undefined when it is not there; no bytes for the root of nothing. */
function rootPage(file: number, number: bigint, pageBytes: number): Buffer | undefined {
  if (number === nothing) return Buffer.alloc(0);
  const bytes = read(file, Number(number) * pageBytes, pageBytes);
  if (bytes.length < pageBytes || bytes.readBigUInt64LE(page.number) !== number) return undefined;
  return (bytes.readUInt16LE(page.kind) & (kinds.branch | kinds.leaf)) === 0 ? undefined : bytes;
}

/** The roots of the named databases, where one page names them all. */
function rootsIn(main: Buffer): bigint[] {
  const roots: bigint[] = [];
  if (main.length === 0 || (main.readUInt16LE(page.kind) & kinds.leaf) === 0) return roots;
  const nodesEnd = page.nodes + main.readUInt16LE(page.nodesEnd);
  for (let place = page.nodes; place < nodesEnd; place += 2) {
    const start = page.nodes + main.readUInt16LE(place);
    if ((main.readUInt16LE(start + node.flags) & holdsTree) === 0) continue;
    const held = start + node.key + main.readUInt16LE(start + node.keyBytes);
    roots.push(main.readBigUInt64LE(held + tree.root));
  }
  return roots;
}

function read(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, position));
}

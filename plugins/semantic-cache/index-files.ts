import { closeSync, mkdirSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Index } from 'usearch';
import type { Host } from '../../plugin-sdk/index.ts';

export type GraphMaker = (dimensions: number) => Index;

export interface SavedGraph {
  readonly graph: Index;
  /** Of the last row that is in it. */
  readonly position: number;
}

const unfinished = 'new.';
/** Some hundred megabytes are written in a second or two. */
const longestSaveMs = 60_000;

/**
 * Graphs on disk, under `<dataDir>/semantic/<id of the store>`, a file for each partition. Its name says what it must
 * hold: `<partition>.<position>.<vectors>.<dimensions>.<CRC-32>`; one that does not is thrown away and built again from the store.
 * The library itself trusts what it reads.
 */
export class IndexFiles {
  readonly #folder: string;
  readonly #make: GraphMaker | undefined;
  readonly #log: Host['log'];

  /** Without a maker, every vector is compared. Graphs of another store are removed. */
  constructor(host: Pick<Host, 'dataDir' | 'log'>, storeId: string, make: GraphMaker | undefined) {
    const parent = join(host.dataDir, 'semantic');
    this.#folder = join(parent, storeId);
    this.#make = make;
    this.#log = host.log;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(parent))
      if (name !== storeId) rmSync(join(parent, name), { recursive: true, force: true });
    this.#removeHalfWritten();
  }

  create(dimensions: number): Index | undefined {
    return this.#make?.(dimensions);
  }

  load(partition: string): SavedGraph | undefined {
    const newest = this.#namesOf(partition).at(-1);
    if (newest === undefined || this.#make === undefined) return undefined;
    const [position = 0, vectors = -1, dimensions = 0, check = -1] = numbersIn(newest);
    const path = join(this.#folder, newest);
    try {
      if (checkOf(path) === check) {
        const graph = this.#make(dimensions);
        graph.load(path);
        if (graph.size() === vectors && graph.dimensions() === dimensions) return { graph, position };
      }
    } catch (err) {
      this.#log.warn({ err, file: newest }, 'a vector index could not be read and is built again');
    }
    rmSync(path, { force: true });
    return undefined;
  }

  save(partition: string, graph: Index, position: number): void {
    const temporary = join(this.#folder, `${unfinished}${process.pid}`);
    try {
      graph.save(temporary);
      const name = `${partition}.${position}.${graph.size()}.${graph.dimensions()}.${checkOf(temporary)}`;
      renameSync(temporary, join(this.#folder, name));
      for (const other of this.#namesOf(partition))
        if (other !== name) rmSync(join(this.#folder, other), { force: true });
    } catch (err) {
      this.#log.warn({ err }, 'a vector index could not be saved');
    }
  }

  /** What a process that died left behind; another living one may be writing right now. */
  #removeHalfWritten(): void {
    for (const name of readdirSync(this.#folder).filter((one) => one.startsWith(unfinished))) {
      const path = join(this.#folder, name);
      const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (Date.now() - changed > longestSaveMs) rmSync(path, { force: true });
    }
  }

  /** Oldest first. */
  #namesOf(partition: string): string[] {
    return readdirSync(this.#folder)
      .filter((name) => name.startsWith(`${partition}.`))
      .sort((a, b) => (numbersIn(a)[0] ?? 0) - (numbersIn(b)[0] ?? 0));
  }
}

function numbersIn(name: string): number[] {
  return name.split('.').slice(1).map(Number);
}

function checkOf(path: string): number {
  const handle = openSync(path, 'r');
  try {
    const piece = Buffer.allocUnsafe(1_048_576);
    let check = 0;
    for (let read = readSync(handle, piece); read > 0; read = readSync(handle, piece))
      check = crc32(piece.subarray(0, read), check);
    return check;
  } finally {
    closeSync(handle);
  }
}

import type { Index } from 'usearch';
import type { CacheStore } from '../../plugin-sdk/ports/cache.ts';
import type { IndexFiles } from './index-files.ts';

export interface Match {
  readonly position: number;
  /** Cosine of the two vectors. */
  readonly similarity: number;
}

/** Up to so many vectors every one is compared; from there on a graph finds the nearest. */
const comparedAll = 256;
/** Rows that are taken in before others get their turn. */
const atOnce = 16;
const nearest = 4;
const savedEvery = 1_000;

/**
 * The vectors of one partition in memory. The store is the truth: rows that it has gained are taken in before a search,
 * rows that it has lost are found out when they match.
 */
export class PartitionIndex {
  readonly #store: CacheStore;
  readonly #partition: string;
  readonly #files: IndexFiles;
  /** Of the last row taken in. */
  #position = 0;
  #rows = new Map<number, Float32Array>();
  #graph: Index | undefined = undefined;
  #unsaved = 0;
  #following: Promise<void> | undefined = undefined;

  constructor(store: CacheStore, partition: string, files: IndexFiles) {
    this.#store = store;
    this.#partition = partition;
    this.#files = files;
  }

  get size(): number {
    return this.#graph?.size() ?? this.#rows.size;
  }

  /** Takes in what the store has gained, in turns with everything else that the process does. */
  follow(): Promise<void> {
    this.#following ??= this.#takeIn().finally(() => {
      this.#following = undefined;
    });
    return this.#following;
  }

  /** The nearest few of at least this similarity, nearest first. */
  search(vector: Float32Array, threshold: number): Match[] {
    const found = this.#graph === undefined ? this.#compareAll(vector) : nearestIn(this.#graph, vector);
    return found
      .filter(({ similarity }) => similarity >= threshold)
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, nearest);
  }

  /** The entry of this row is gone. */
  remove(position: number): void {
    if (this.#graph === undefined) this.#rows.delete(position);
    else if (this.#graph.contains(BigInt(position))) this.#graph.remove(BigInt(position));
  }

  /** Writes the graph beside the store, so that the next process need not build it. */
  save(): void {
    if (this.#graph === undefined || this.#unsaved === 0) return;
    this.#files.save(this.#partition, this.#graph, this.#position);
    this.#unsaved = 0;
  }

  async #takeIn(): Promise<void> {
    if (this.#position === 0) this.#load();
    for (;;) {
      const rows = await this.#store.vectors(this.#partition, this.#position, atOnce);
      for (const { position, vector } of rows) {
        this.#add(position, vector);
        this.#position = position;
      }
      if (rows.length < atOnce) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.#graph === undefined && this.#rows.size > comparedAll) await this.#grow();
    if (this.#unsaved >= savedEvery) this.save();
  }

  #load(): void {
    const saved = this.#files.load(this.#partition);
    if (saved === undefined) return;
    this.#graph = saved.graph;
    this.#position = saved.position;
  }

  #add(position: number, vector: Float32Array): void {
    if (this.#graph === undefined) {
      this.#rows.set(position, vector);
      return;
    }
    if (vector.length !== this.#graph.dimensions()) return;
    addTo(this.#graph, position, vector);
    this.#unsaved += 1;
  }

  /** Builds the graph while every row is still compared. */
  async #grow(): Promise<void> {
    const dimensions = [...this.#rows.values()].at(-1)!.length;
    const graph = this.#files.create(dimensions);
    if (graph === undefined) return;
    let added = 0;
    for (const [position, vector] of this.#rows) {
      if (vector.length === dimensions) addTo(graph, position, vector);
      added += 1;
      if (added % atOnce === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#graph = graph;
    this.#rows = new Map();
    this.#unsaved = added;
  }

  #compareAll(vector: Float32Array): Match[] {
    const found: Match[] = [];
    for (const [position, row] of this.#rows) {
      if (row.length === vector.length) found.push({ position, similarity: dot(row, vector) });
    }
    return found;
  }
}

function addTo(graph: Index, position: number, vector: Float32Array): void {
  const key = BigInt(position);
  if (!graph.contains(key)) graph.add(key, vector);
}

function nearestIn(graph: Index, vector: Float32Array): Match[] {
  if (vector.length !== graph.dimensions() || graph.size() === 0) return [];
  const { keys, distances } = graph.search(vector, nearest, 1);
  return Array.from(keys, (key, i) => ({ position: Number(key), similarity: 1 - distances[i]! }));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

import type { CacheStore } from '../../plugin-sdk/ports/cache.ts';
import type { IndexFiles } from './index-files.ts';
import { PartitionIndex } from './partition-index.ts';

/** Most are small: they are read again from the store in no time. */
const maxPartitions = 4_096;

/** The partitions that are in memory, bounded by their vectors; those that rest longest go first. */
export class Indexes {
  readonly #store: CacheStore;
  readonly #files: IndexFiles;
  readonly #maxVectors: number;
  readonly #open = new Map<string, PartitionIndex>();

  constructor(store: CacheStore, files: IndexFiles, maxVectors: number) {
    this.#store = store;
    this.#files = files;
    this.#maxVectors = maxVectors;
  }

  of(partition: string): PartitionIndex {
    const known = this.#open.get(partition);
    const index = known ?? new PartitionIndex(this.#store, partition, this.#files);
    this.#open.delete(partition);
    this.#open.set(partition, index);
    if (known === undefined) this.#makeRoom();
    return index;
  }

  /** Saves what would have to be built again. */
  close(): void {
    for (const index of this.#open.values()) index.save();
    this.#open.clear();
  }

  #makeRoom(): void {
    let vectors = 0;
    for (const index of this.#open.values()) vectors += index.size;
    for (const [partition, index] of this.#open) {
      const fits = vectors <= this.#maxVectors && this.#open.size <= maxPartitions;
      if (fits || this.#open.size === 1) return;
      index.save();
      this.#open.delete(partition);
      vectors -= index.size;
    }
  }
}

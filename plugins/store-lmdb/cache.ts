import cluster from 'node:cluster';
import { crc32 } from 'node:zlib';
import type { Host } from '../../plugin-sdk/host.ts';
import type {
  CachedContent,
  CacheEntry,
  CacheFilter,
  CacheLimits,
  CachePage,
  CacheStats,
  CacheStore,
  VectorRow,
} from '../../plugin-sdk/ports/cache.ts';
import {
  type CacheFiles,
  type EntryKey,
  openCacheFiles,
  type StoredClaim,
  type StoredHead,
} from './cache-environment.ts';
import { commit } from './commit.ts';
import { isGone, thisProcess } from './process-identity.ts';

/** How far behind the time of last use may be; a hit within this time writes nothing. */
const usedWithinMs = 10_000;
/** Entries that one transaction removes, so that it does not hold up the writers of other processes. */
const batch = 1_000;

/** Cached answers in an LMDB environment of their own. Every change is one transaction: heads, contents, orders and vectors agree. */
export class LmdbCache implements CacheStore {
  readonly #clock: Host['clock'];
  readonly #open: () => CacheFiles;
  #opened: CacheFiles | undefined = undefined;

  constructor(host: Pick<Host, 'dataDir' | 'shared' | 'clock'>, mapBytes: number) {
    this.#clock = host.clock;
    this.#open = () => openCacheFiles(host, mapBytes);
  }

  /** Opened by the first use: most gateways have no cache. */
  get #files(): CacheFiles {
    return (this.#opened ??= this.#open());
  }

  get(scope: string, key: string): CacheEntry | undefined {
    const at: EntryKey = [scope, key];
    const head = this.#files.heads.get(at);
    const now = this.#clock.now();
    if (head === undefined || head.expiresAt <= now) return undefined;
    const content = this.#files.contents.get(at);
    if (content === undefined || crc32(content) !== head.check) return undefined;
    if (now - head.used > usedWithinMs) this.#use(at, now);
    const { bytes: _, check: __, used: ___, vector: ____, ...shown } = head;
    return { ...shown, content: JSON.parse(content) as CachedContent };
  }

  async put({ content, ...head }: CacheEntry, limits: CacheLimits): Promise<boolean> {
    const text = JSON.stringify(content);
    const bytes = Buffer.byteLength(text);
    if (bytes > Math.min(limits.maxEntryBytes, limits.maxBytes) || limits.maxEntries < 1) return false;
    const at: EntryKey = [head.scope, head.key];
    await commit(this.#files.root, () => {
      this.#remove(at);
      this.#makeRoom(limits.maxEntries - 1, limits.maxBytes - bytes);
      this.#files.heads.put(at, { ...head, bytes, check: crc32(text), used: head.time });
      this.#files.contents.put(at, text);
      this.#files.order.put([head.time, ...at], true);
      this.#files.expiry.put([head.expiresAt, ...at], true);
      this.#count(1, bytes);
    });
    return true;
  }

  async delete(filter: CacheFilter): Promise<number> {
    let removed = 0;
    for (;;) {
      const found = this.#matching(filter, batch, undefined).map(({ scope, key }): EntryKey => [scope, key]);
      if (found.length === 0) return removed;
      removed += await commit(this.#files.root, () => found.filter((at) => this.#remove(at)).length);
      if (found.length < batch) return removed;
    }
  }

  list(filter: CacheFilter, limit: number, cursor?: string): CachePage {
    const found = this.#matching(filter, limit + 1, cursor);
    const now = this.#clock.now();
    const page = found.slice(0, limit);
    const entries = page
      .filter(({ expiresAt }) => expiresAt > now)
      .map(({ check: _, used: __, vector: ___, ...shown }) => shown);
    const last = page.at(-1);
    if (found.length <= limit || last === undefined) return { entries };
    return { entries, next: Buffer.from(JSON.stringify([last.scope, last.key])).toString('base64url') };
  }

  stats(): CacheStats {
    const { counters } = this.#files;
    return { entries: counters.get('entries') ?? 0, bytes: counters.get('bytes') ?? 0 };
  }

  sweep(limit: number): Promise<number> {
    return commit(this.#files.root, () => {
      const now = this.#clock.now();
      const { claims, expiry } = this.#files;
      for (const { key, value } of [...claims.getRange({ limit })]) if (value.until <= now) claims.remove(key);
      const expired = [...expiry.getKeys({ end: [now + 1, '', ''], limit })];
      return expired.filter(([, scope, key]) => this.#remove([scope, key])).length;
    });
  }

  get shared(): boolean {
    return cluster.isWorker;
  }

  async claim(scope: string, key: string, forMs: number): Promise<boolean> {
    const { root, claims } = this.#files;
    const at: EntryKey = [scope, key];
    if (this.isClaimed(scope, key)) return false;
    return commit(root, () => {
      if (this.#isOthers(claims.get(at))) return false;
      claims.put(at, { by: thisProcess, until: this.#clock.now() + forMs });
      return true;
    });
  }

  isClaimed(scope: string, key: string): boolean {
    return this.#isOthers(this.#files.claims.get([scope, key]));
  }

  async release(scope: string, key: string): Promise<void> {
    const { root, claims } = this.#files;
    await commit(root, () => {
      if (claims.get([scope, key])?.by === thisProcess) claims.remove([scope, key]);
    });
  }

  get vectorsId(): string {
    return this.#files.id;
  }

  addVector(scope: string, key: string, partition: string, vector: Float32Array): Promise<boolean> {
    const { root, heads, vectors, counters } = this.#files;
    return commit(root, () => {
      const head = heads.get([scope, key]);
      if (head === undefined) return false;
      if (head.vector !== undefined) vectors.remove([...head.vector]);
      const position = (counters.get('position') ?? 0) + 1;
      counters.put('position', position);
      const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
      vectors.put([partition, position], { scope, key, vector: bytes });
      heads.put([scope, key], { ...head, vector: [partition, position] });
      return true;
    });
  }

  vectors(partition: string, after: number, limit: number): VectorRow[] {
    const range = { start: [partition, after + 1], end: [partition, Number.POSITIVE_INFINITY], limit } as const;
    return [...this.#files.vectors.getRange(range as never)].map(({ key: [, position], value }) => ({
      position,
      scope: value.scope,
      key: value.key,
      // A copy, because what LMDB gives is neither aligned nor there to stay.
      vector: new Float32Array(Uint8Array.from(value.vector).buffer),
    }));
  }

  vectorAt(partition: string, position: number): Omit<VectorRow, 'vector'> | undefined {
    const row = this.#files.vectors.get([partition, position]);
    return row === undefined ? undefined : { position, scope: row.scope, key: row.key };
  }

  countVectors(partition: string): number {
    const range = { start: [partition, 0], end: [partition, Number.POSITIVE_INFINITY] } as const;
    return this.#files.vectors.getKeysCount(range as never);
  }

  #isOthers(claim: StoredClaim | undefined): boolean {
    return claim !== undefined && claim.by !== thisProcess && claim.until > this.#clock.now() && !isGone(claim.by);
  }

  #matching(filter: CacheFilter, limit: number, cursor: string | undefined): StoredHead[] {
    const { heads } = this.#files;
    if (filter.scope !== undefined && filter.key !== undefined) {
      const head = heads.get([filter.scope, filter.key]);
      return head !== undefined && matches(head, filter) ? [head] : [];
    }
    const found: StoredHead[] = [];
    const from = cursor === undefined ? filter.scope && [filter.scope] : readCursor(cursor);
    const start = from ? { start: from as never, exclusiveStart: cursor !== undefined } : {};
    for (const { value } of heads.getRange(start)) {
      if (filter.scope !== undefined && value.scope !== filter.scope) break;
      if (matches(value, filter)) found.push(value);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** Within a transaction. */
  #remove(at: EntryKey): boolean {
    const { heads, contents, order, expiry, vectors } = this.#files;
    const head = heads.get(at);
    if (head === undefined) return false;
    heads.remove(at);
    contents.remove(at);
    order.remove([head.used, ...at]);
    expiry.remove([head.expiresAt, ...at]);
    if (head.vector !== undefined) vectors.remove([...head.vector]);
    this.#count(-1, -head.bytes);
    return true;
  }

  /** Within a transaction. */
  #makeRoom(maxEntries: number, maxBytes: number): void {
    for (;;) {
      const { entries, bytes } = this.stats();
      if (entries <= maxEntries && bytes <= maxBytes) return;
      const [oldest] = this.#files.order.getKeys({ limit: 1 });
      if (oldest === undefined) return;
      this.#files.order.remove(oldest);
      this.#remove([oldest[1], oldest[2]]);
    }
  }

  /** Within a transaction. */
  #count(entries: number, bytes: number): void {
    const before = this.stats();
    this.#files.counters.put('entries', before.entries + entries);
    this.#files.counters.put('bytes', before.bytes + bytes);
  }

  #use(at: EntryKey, now: number): void {
    const { root, heads, order } = this.#files;
    const used = commit(root, () => {
      const head = heads.get(at);
      if (head === undefined || head.used >= now) return;
      order.remove([head.used, ...at]);
      order.put([now, ...at], true);
      heads.put(at, { ...head, used: now });
    });
    // Forgetting that an entry was used only brings its end nearer.
    used.catch(() => {});
  }
}

function matches(head: StoredHead, { scope, namespace, key, request }: CacheFilter): boolean {
  return (
    (scope === undefined || head.scope === scope) &&
    (namespace === undefined || head.namespace === namespace) &&
    (key === undefined || head.key === key) &&
    (request === undefined || head.request === request)
  );
}

function readCursor(cursor: string): EntryKey | undefined {
  try {
    const [scope, key] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (typeof scope === 'string' && typeof key === 'string') return [scope, key];
  } catch {
    // Whatever it was, it is not one of ours: the list starts at its beginning.
  }
  return undefined;
}

import type { Answer, AnswerEvent, Usage } from '../conversation/index.ts';
import type { Exchange } from '../exchange.ts';
import type { JsonObject } from '../json.ts';
import type { MaybePromise } from '../maybe.ts';
import { definePort } from '../ports.ts';
import type { Reply } from '../reply.ts';
import { defineSlot } from '../slot.ts';

/** What was answered once, in the form in which it came. */
export type CachedContent =
  | { readonly type: 'answer'; readonly answer: Answer }
  /** `times`: milliseconds from the start of the exchange to each event. */
  | { readonly type: 'events'; readonly events: readonly AnswerEvent[]; readonly times: readonly number[] }
  /** A reply of an operation that is no chat. */
  | { readonly type: 'json'; readonly json: JsonObject };

/** An entry without what it answers. Times are milliseconds since 1970, sizes bytes. */
export interface CacheHead {
  /** Whose it is: nobody else is ever answered with it. */
  readonly scope: string;
  /** What was asked, as a hash; unique within the scope. */
  readonly key: string;
  /** A part of the cache that callers name, to tell apart and to clear. */
  readonly namespace: string;
  readonly time: number;
  readonly expiresAt: number;
  readonly operation: string;
  /** The client's dialect. */
  readonly dialect: string;
  readonly provider: string;
  readonly model: string;
  /** Id of the exchange that filled it. */
  readonly request: string;
  readonly usage?: Usage;
  /** Paths of the request that its target could not carry; absent when it carried all. */
  readonly lossy?: readonly string[];
}

export interface CacheEntry extends CacheHead {
  readonly content: CachedContent;
}

export interface CacheLimits {
  readonly maxEntries: number;
  /** Of all entries together. */
  readonly maxBytes: number;
  /** Of one entry. */
  readonly maxEntryBytes: number;
}

/** What must hold of an entry to be listed or cleared; nothing named means every entry. */
export interface CacheFilter {
  readonly scope?: string;
  readonly namespace?: string;
  readonly key?: string;
  /** Id of the exchange that filled it. */
  readonly request?: string;
}

export interface CachePage {
  readonly entries: readonly (CacheHead & { readonly bytes: number })[];
  /** Absent on the last page. */
  readonly next?: string;
}

export interface CacheStats {
  readonly entries: number;
  readonly bytes: number;
}

/** Where an entry stands among those with comparable meaning: see {@link CacheStore.addVector}. */
export interface VectorRow {
  /** Rises with every vector that is added. */
  readonly position: number;
  readonly scope: string;
  readonly key: string;
  readonly vector: Float32Array;
}

/**
 * The store of cached answers, shared by processes. What it gives is whole and unexpired; what it cannot read is not
 * there. It may lose its last moments, never agree to something wrong.
 */
export interface CacheStore {
  get(scope: string, key: string): MaybePromise<CacheEntry | undefined>;
  /** Replaces an entry of the same scope and key; the least recently used make room. False when it is too large. */
  put(entry: CacheEntry, limits: CacheLimits): MaybePromise<boolean>;
  /** Gives how many went. Their vectors go with them. */
  delete(filter: CacheFilter): MaybePromise<number>;
  list(filter: CacheFilter, limit: number, cursor?: string): MaybePromise<CachePage>;
  stats(): MaybePromise<CacheStats>;
  /** Removes up to `limit` expired entries. Gives how many went. */
  sweep(limit: number): MaybePromise<number>;

  /** Other processes use this store too, so that a claim is worth its cost. */
  readonly shared: boolean;
  /** Says that this process is about to fill an entry, for at most so long. False while another one is. */
  claim(scope: string, key: string, forMs: number): MaybePromise<boolean>;
  /** Another process, which still lives, is about to fill this entry. */
  isClaimed(scope: string, key: string): MaybePromise<boolean>;
  /** Takes a claim of this process back. */
  release(scope: string, key: string): MaybePromise<void>;

  /** Names this collection of vectors: an index made of another one is of no use. */
  readonly vectorsId: string;
  /** Gives an entry its place in a partition, once; false when there is no such entry any more. */
  addVector(scope: string, key: string, partition: string, vector: Float32Array): MaybePromise<boolean>;
  /** The rows of a partition behind a position, in order. */
  vectors(partition: string, after: number, limit: number): MaybePromise<readonly VectorRow[]>;
  /** The row at a position, unless its entry is gone. */
  vectorAt(partition: string, position: number): MaybePromise<Omit<VectorRow, 'vector'> | undefined>;
  /** Vectors that a partition holds now. */
  countVectors(partition: string): MaybePromise<number>;
}

export const cachePort = definePort<CacheStore>('cache');

/** What a client asked of the cache, and where its answer would be kept. Set on exchanges that may be cached. */
export interface CacheRequest {
  readonly scope: string;
  readonly namespace: string;
  readonly key: string;
  /**
   * Everything that the key is made of, but for the request's body, as a JSON list: format, scope, namespace, operation,
   * dialect, provider, its base URL, model, path, query, headers, digest of the plugins.
   */
  readonly surroundings: string;
  readonly provider: string;
  readonly model: string;
  /** Which look-ups the client wants; undefined: all. */
  readonly type: 'direct' | 'semantic' | undefined;
  /** Least similarity that the client accepts, 0 to 1. */
  readonly threshold: number | undefined;
  /** A cache has its answer. */
  readonly answered: boolean;
  /** Called once the answer to this exchange is in the store. */
  onStored(listener: () => void): void;
}

/** The owner is the exact cache; other kinds of cache look further when it has missed. */
export const cacheRequestSlot = defineSlot<CacheRequest>('cache request');

/** How other kinds of cache answer with an entry of the store. */
export interface CachedAnswers {
  /** The reply to an exchange, in its own dialect and form; `similarity` 0 to 1. */
  reply(exchange: Exchange, entry: CacheEntry, similarity: number): Reply | undefined;
}

export const cachedAnswersPort = definePort<CachedAnswers>('cached-answers');

/** What a cache has done since the process started. */
export interface CacheCounts {
  readonly hits: number;
  readonly semanticHits: number;
  readonly misses: number;
  /** Answered with what another exchange in flight got; these are hits too. */
  readonly coalesced: number;
  readonly stored: number;
  readonly failures: number;
}

export interface CacheCounter {
  counts(): CacheCounts;
}

export const cacheCounterPort = definePort<CacheCounter>('cache-counter');

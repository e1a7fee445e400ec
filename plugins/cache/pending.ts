import { defineSlot, type Reply, type Target } from '../../plugin-sdk/index.ts';
import type { CachedContent, CacheRequest } from '../../plugin-sdk/ports/cache.ts';
import type { Directives } from './directives.ts';
import type { CacheKey } from './key.ts';

/** An exchange that may be answered from the cache, or fill it. */
export class Pending implements CacheRequest {
  readonly directives: Directives;
  readonly cacheKey: CacheKey;
  readonly stored: (() => void)[] = [];
  /** Others wait for its answer. */
  leads = false;
  /** Other processes wait for what it stores. */
  claimed = false;
  /** A cache answered. */
  hit = false;
  /** With `costOfHit: "as-cached"`: the answer, given once the call is admitted. */
  held: Reply | undefined = undefined;
  /** Who served it, when it was not a cache. */
  served: { readonly target: Target; readonly direct: boolean } | undefined = undefined;
  /** Reads the whole answer; absent until there is one. */
  read: (() => CachedContent) | undefined = undefined;

  constructor(directives: Directives, cacheKey: CacheKey) {
    this.directives = directives;
    this.cacheKey = cacheKey;
  }

  get scope(): string {
    return this.cacheKey.scope;
  }

  get key(): string {
    return this.cacheKey.key;
  }

  get surroundings(): string {
    return this.cacheKey.surroundings;
  }

  get provider(): string {
    return this.cacheKey.target.provider;
  }

  get model(): string {
    return this.cacheKey.target.model;
  }

  get namespace(): string {
    return this.directives.namespace;
  }

  get type(): 'direct' | 'semantic' | undefined {
    return this.directives.type;
  }

  get threshold(): number | undefined {
    return this.directives.threshold;
  }

  get answered(): boolean {
    return this.hit;
  }

  onStored(listener: () => void): void {
    this.stored.push(listener);
  }
}

export const pendingSlot = defineSlot<Pending>('cache pending');

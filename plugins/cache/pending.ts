import { defineSlot, type Reply, type Target } from '../../plugin-sdk/index.ts';
import type { CachedContent, CacheRequest } from '../../plugin-sdk/ports/cache.ts';
import type { Directives } from './directives.ts';
import type { CacheKey } from './key.ts';
import type { CacheOptions } from './options.ts';

/** A call to a provider. `direct`: with a key that the caller brought. */
export interface Call {
  readonly target: Target;
  readonly direct: boolean;
}

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
  /** Calls made for it that have not failed: the one that serves, and any that it outran. */
  readonly calls = new Set<Call>();
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

  /**
   * Whether others may get what a provider answered it. A fallback's answer is another model's; one got with the
   * caller's own key is the caller's alone. Asked before the serving call has ended, so that every call must do.
   */
  mayShare(share: CacheOptions['share']): boolean {
    const { provider, model } = this;
    const own = [...this.calls].every(({ target, direct }) => {
      return target.provider === provider && target.model === model && (!direct || share === 'caller');
    });
    return own && this.calls.size > 0;
  }

  onStored(listener: () => void): void {
    this.stored.push(listener);
  }
}

export const pendingSlot = defineSlot<Pending>('cache pending');

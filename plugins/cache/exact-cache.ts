import {
  chain,
  type Exchange,
  type Host,
  isGatewayError,
  isThenable,
  type JsonReply,
  type KeyedAttempt,
  type MaybePromise,
  modelFilterSlot,
  type Outcome,
  type Reply,
  type RoutedExchange,
  type StreamTransform,
} from '../../plugin-sdk/index.ts';
import {
  type CacheCounts,
  type CachedAnswers,
  type CachedContent,
  type CacheEntry,
  type CacheStore,
  cacheRequestSlot,
} from '../../plugin-sdk/ports/cache.ts';
import { costSlot } from '../../plugin-sdk/ports/prices.ts';
import { recordLinksSlot } from '../../plugin-sdk/ports/records.ts';
import { Claims } from './claims.ts';
import { StreamCollector } from './collect-stream.ts';
import { contentVersion } from './content-version.ts';
import { readDirectives } from './directives.ts';
import { entryOf } from './entry-of.ts';
import { chatOperations } from './fields.ts';
import { Flights, type Landed, type Landing } from './flights.ts';
import { type CacheKey, type KeyContext, keyOf } from './key.ts';
import { mayKeep } from './may-keep.ts';
import type { CacheOptions } from './options.ts';
import { Pending, pendingSlot } from './pending.ts';
import { charged, replay } from './replay.ts';

type Counts = { -readonly [K in keyof CacheCounts]: number };

function noCounts(): Counts {
  return { hits: 0, semanticHits: 0, misses: 0, coalesced: 0, stored: 0, failures: 0 };
}

interface Found {
  readonly content: CachedContent;
  /** Id of the exchange that first got this answer. */
  readonly request: string;
  readonly time: number;
  readonly lossy?: readonly string[];
  readonly similarity?: number;
}

/** Answers a request with what the same one was answered before, and keeps what may be answered again. */
export class ExactCache implements CachedAnswers {
  readonly #host: Host;
  readonly #options: CacheOptions;
  readonly #store: CacheStore;
  readonly #flights = new Flights();
  readonly #claims: Claims;
  readonly #ignoredHeaders: ReadonlySet<string>;
  #keyContext: KeyContext | undefined = undefined;
  readonly counts: Counts;

  constructor(host: Host, options: CacheOptions, store: CacheStore) {
    this.#host = host;
    this.#options = options;
    this.#store = store;
    this.#claims = new Claims(store, host.clock, options.waitSeconds * 1_000);
    this.#ignoredHeaders = new Set(options.ignoreHeaders);
    // They go on over reloads: they belong to the process.
    this.counts = host.shared('plugins/cache counts', noCounts, () => {});
  }

  /** Gives the answer, or nothing: then the exchange goes on, and others like it may wait for it. Throws GatewayError REQ_INVALID. */
  lookUp(exchange: Exchange): MaybePromise<Reply | undefined> {
    const directives = readDirectives(exchange.request.headers, this.#options);
    const cacheKey = directives === undefined ? undefined : this.#keyOf(exchange, directives.namespace);
    if (directives === undefined || cacheKey === undefined) return undefined;
    const pending = new Pending(directives, cacheKey);
    exchange.set(pendingSlot, pending);
    exchange.set(cacheRequestSlot, pending);
    if (directives.type === 'semantic') return undefined;
    return chain(this.#get(pending), (entry) => {
      const reply = entry === undefined ? undefined : this.#answer(exchange, pending, entry);
      return reply ?? (pending.held === undefined ? this.#join(exchange, pending) : undefined);
    });
  }

  /** Of another kind of cache, whose entries are in the same store. */
  reply(exchange: Exchange, entry: CacheEntry, similarity: number): Reply | undefined {
    const pending = exchange.get(pendingSlot);
    return pending === undefined ? undefined : this.#answer(exchange, pending, { ...entry, similarity });
  }

  /** No cache answers: the exchange goes to a provider. */
  missed(exchange: RoutedExchange): void {
    const pending = exchange.get(pendingSlot);
    if (pending === undefined || pending.hit) return;
    this.counts.misses += 1;
    exchange.setReplyHeader('x-bf-cache', 'miss');
    exchange.set(recordLinksSlot, { ...exchange.get(recordLinksSlot), cache: 'miss' });
  }

  json(reply: JsonReply, exchange: RoutedExchange): void {
    const pending = exchange.get(pendingSlot);
    if (pending === undefined || pending.held !== undefined || reply.status !== 200) return;
    const isChat = chatOperations.has(exchange.operation);
    const read: typeof pending.read = () =>
      isChat ? { type: 'answer', answer: reply.answer! } : { type: 'json', json: reply.json };
    pending.read = read;
    if (pending.leads && this.#flights.hasFollowers(flightOf(pending))) this.#land(exchange, pending);
  }

  stream(exchange: RoutedExchange): StreamTransform | undefined {
    const pending = exchange.get(pendingSlot);
    if (pending === undefined || pending.held !== undefined || (pending.hit && !pending.leads)) return undefined;
    if (!pending.leads && !pending.directives.store) return undefined;
    return new StreamCollector(exchange.startedAt, this.#options.maxEntryBytes, (content) => {
      if (content !== undefined) {
        const read = (): CachedContent => content;
        pending.read = read;
      }
      if (pending.leads) this.#land(exchange, pending);
    });
  }

  /** The exchange is over: keeps its answer if it may be given again, and lets go of those that still wait for it. */
  async settle(exchange: RoutedExchange, outcome: Outcome): Promise<void> {
    const pending = exchange.get(pendingSlot);
    if (pending === undefined) return;
    await this.#keep(exchange, pending, outcome);
    if (!pending.leads) return;
    const landed = this.#landedBy(exchange, pending);
    const isOver = this.#flights.end(flightOf(pending), landed ?? (outcome.clientGone ? 'lead' : 'alone'));
    // A waiter that takes over the lead takes over the claim too.
    if (pending.claimed && isOver) await this.#claims.release(pending.scope, pending.key);
  }

  /** A call is made for this exchange after all. */
  called(attempt: KeyedAttempt): void {
    const calls = attempt.exchange.get(pendingSlot)?.calls;
    const call = { target: attempt.target, direct: attempt.key.direct === true };
    calls?.add(call);
    attempt.onEnd(({ result }) => result === 'failed' && calls?.delete(call));
  }

  async #keep(exchange: RoutedExchange, pending: Pending, outcome: Outcome): Promise<void> {
    if (pending.hit || !pending.directives.store || !pending.mayShare(this.#options.share)) return;
    if (outcome.status !== 200 || (outcome.error !== undefined && !outcome.clientGone)) return;
    try {
      const content = pending.read?.();
      if (content === undefined || !mayKeep(content)) return;
      const { maxEntries, maxBytes, maxEntryBytes } = this.#options;
      const limits = { maxEntries, maxBytes, maxEntryBytes };
      if (!(await this.#store.put(entryOf(exchange, pending, content, this.#host.clock.now()), limits))) return;
      this.counts.stored += 1;
      for (const listener of pending.stored) listener();
    } catch (err) {
      this.#failed(err, exchange, 'an answer could not be kept');
    }
  }

  #keyOf(exchange: Exchange, namespace: string): CacheKey | undefined {
    this.#keyContext ??= {
      host: this.#host,
      options: this.#options,
      ignoredHeaders: this.#ignoredHeaders,
      version: contentVersion(this.#host),
    };
    try {
      const cacheKey = keyOf(exchange, namespace, this.#keyContext);
      if (cacheKey === undefined) return undefined;
      const { provider, model } = cacheKey.target;
      // What the caller may not use is refused further on, not answered here.
      return exchange.get(modelFilterSlot)?.(provider, model) === false ? undefined : cacheKey;
    } catch (cause) {
      // A request that cannot be read is for the provider to judge.
      if (isGatewayError(cause)) return undefined;
      throw cause;
    }
  }

  #get({ scope, key }: Pending): MaybePromise<CacheEntry | undefined> {
    try {
      const entry = this.#store.get(scope, key);
      return isThenable(entry)
        ? (entry as Promise<CacheEntry | undefined>).catch((err: unknown) => this.#failed(err))
        : entry;
    } catch (err) {
      return this.#failed(err);
    }
  }

  #answer(exchange: Exchange, pending: Pending, found: Found): Reply | undefined {
    const { lossy = [] } = found;
    // The provider's own way will refuse it, naming the paths.
    if (lossy.length > 0 && exchange.request.headers.get('x-bf-strict') === 'true') return undefined;
    const reply = replay(exchange, found.content, this.#options.pace, this.#host.clock);
    if (reply === undefined) return undefined;
    const { similarity } = found;
    const kind = similarity === undefined ? 'hit' : 'semantic-hit';
    this.counts[similarity === undefined ? 'hits' : 'semanticHits'] += 1;
    pending.hit = true;
    const age = Math.max(0, Math.floor((this.#host.clock.now() - found.time) / 1_000));
    exchange.setReplyHeader('x-bf-cache', kind);
    exchange.setReplyHeader('x-bf-cache-age', String(age));
    if (lossy.length > 0) exchange.setReplyHeader('x-bf-lossy', lossy.join(', '));
    if (similarity !== undefined) exchange.setReplyHeader('x-bf-cache-similarity', similarity.toFixed(4));
    exchange.set(recordLinksSlot, { ...exchange.get(recordLinksSlot), cache: kind, parent: found.request });
    exchange.note(this.#host.plugin, 'answered from the cache', {
      kind,
      filledBy: found.request,
      ageSeconds: age,
      ...(similarity === undefined ? {} : { similarity }),
    });
    if (this.#options.costOfHit === 'as-cached') {
      pending.held = charged(reply, found.content);
      return undefined;
    }
    exchange.setTargets([pending.cacheKey.target]);
    exchange.setReplyHeader('x-bf-provider', pending.provider);
    exchange.setReplyHeader('x-bf-model', pending.model);
    exchange.set(costSlot, { nanoUsd: 0, version: 'cached' });
    return reply;
  }

  /** Leads, or waits for the identical request that does. */
  #join(exchange: Exchange, pending: Pending): MaybePromise<Reply | undefined> {
    if (!this.#options.coalesce || !pending.directives.store) return undefined;
    const flight = flightOf(pending);
    if (this.#flights.lead(flight)) return this.#leads(exchange, pending);
    let forget = (): void => {};
    const landing = this.#flights.follow(flight, (takeBack) => {
      const stopTimer = this.#host.clock.after(this.#options.waitSeconds * 1_000, () => takeBack('alone'));
      const unlisten = exchange.onClientGone(() => takeBack('alone'));
      forget = () => {
        stopTimer();
        unlisten();
      };
    });
    return chain(landing, (landed) => {
      forget();
      return this.#arrived(exchange, pending, landed);
    });
  }

  #arrived(exchange: Exchange, pending: Pending, landed: Landing): MaybePromise<Reply | undefined> {
    if (landed === 'alone') return undefined;
    if (landed === 'lead') return this.#leads(exchange, pending);
    const reply = this.#answer(exchange, pending, landed);
    if (pending.hit) this.counts.coalesced += 1;
    return reply;
  }

  /** The call is this exchange's to make, unless another process is making it. */
  #leads(exchange: Exchange, pending: Pending): MaybePromise<Reply | undefined> {
    pending.leads = true;
    if (!this.#claims.needed) return undefined;
    const taking = this.#claims.take(pending.scope, pending.key, () => exchange.clientGone);
    return taking.then(
      (taken) => {
        if (taken === 'claimed') pending.claimed = true;
        if (taken === undefined || taken === 'claimed') return undefined;
        this.#flights.land(flightOf(pending), taken);
        return this.#arrived(exchange, pending, taken);
      },
      (err: unknown) => this.#failed(err, exchange, 'an entry could not be claimed'),
    );
  }

  #land(exchange: RoutedExchange, pending: Pending): void {
    const landed = this.#landedBy(exchange, pending);
    if (landed !== undefined) this.#flights.land(flightOf(pending), landed);
  }

  #landedBy(exchange: RoutedExchange, pending: Pending): Landed | undefined {
    // What a cache answered was let in by the same rule.
    if (!pending.hit && !pending.mayShare(this.#options.share)) return undefined;
    try {
      const content = pending.read?.();
      if (content === undefined) return undefined;
      return { content, request: exchange.id, time: this.#host.clock.now(), lossy: exchange.lossy };
    } catch (err) {
      return this.#failed(err, exchange, 'an answer could not be read');
    }
  }

  /** A cache that fails is a cache that has nothing. */
  #failed(err: unknown, exchange?: Exchange, what = 'the cache could not be read'): undefined {
    this.counts.failures += 1;
    this.#host.log.warn({ ...(exchange === undefined ? {} : { request: exchange.id }), err }, what);
  }
}

function flightOf({ scope, key }: Pending): string {
  return `${scope} ${key}`;
}

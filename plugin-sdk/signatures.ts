import type { AnswerEvent } from './conversation/index.ts';
import type { FramedEvent } from './dialects/dialect.ts';
import type { Attempt, AttemptRecord, Exchange, Key, KeyedAttempt, Outcome, RoutedExchange } from './exchange.ts';
import type { FlatHeaders } from './headers.ts';
import type { HookName } from './hook-names.ts';
import type { Opinion } from './maybe.ts';
import type { JsonReply, Reply } from './reply.ts';
import type { GatewayRequest } from './request.ts';

/**
 * Every hook's shape: the only place where a hook is declared. All other hook types derive from this.
 *
 * `undefined` means no opinion; a throw means stop. A handler may be synchronous or return a promise; a synchronous one
 * costs no promise.
 */
export interface HookSignatures {
  /** Who, whether, where. May answer instead of a provider (a cache hit, a poll, a refusal). First answer wins. */
  preRoute(exchange: Exchange): Opinion<Reply>;
  /** May return a new request; each handler sees the last one. */
  transformRequest(request: GatewayRequest, exchange: RoutedExchange): Opinion<GatewayRequest>;
  /** Chooses the key of one attempt. First opinion wins. */
  selectKey(attempt: Attempt): Opinion<Key>;
  /** May answer an attempt instead of its provider (a mock, a recording). */
  execute(attempt: KeyedAttempt): Opinion<Reply>;
  /** Two faces, so that a guard cannot cover one and forget the other. */
  transformResponse: ResponseTransform;
  /** Once per exchange, after the last byte, a cut, an error or the client leaving. Never delays a reply. */
  postLog(exchange: RoutedExchange, outcome: Outcome): void | Promise<void>;
}

export interface ResponseTransform {
  /** A whole reply. May return a new one. */
  json(reply: JsonReply, exchange: RoutedExchange): Opinion<JsonReply>;
  /** Called once per streamed reply; returns what to do with each event, or nothing to leave the stream alone. */
  stream(exchange: RoutedExchange): StreamTransform | undefined;
  /**
   * Once per whole reply of a provider (not a stream, nor one that is too large to be read first): headers to add to it.
   * `attempts` are those that failed and, last, the one that answered, with what each used. Synchronous.
   */
  usage?(attempts: readonly UsedAttempt[], exchange: RoutedExchange): FlatHeaders | undefined;
}

export type UsedAttempt = Pick<AttemptRecord, 'provider' | 'model' | 'key' | 'result' | 'usage'>;

/**
 * Synchronous per event: may pass on, change, drop, hold back or add, by what it emits before it returns. A throw, a promise
 * or an object that is returned ends the stream with an error event.
 */
export interface StreamTransform {
  /**
   * It only looks: what it emits is ignored and a throw is only logged. A carried stream then stays the provider's own
   * bytes, with the events read beside them. `source`: it sees the events as they came, before any plugin changed them.
   */
  readonly observes?: boolean | 'source';
  /**
   * All that it does is to leave out whole events, and these are the ones. A carried stream then stays the provider's own
   * bytes but for them, which costs a tenth of taking it apart; `event` does the same to any other stream.
   */
  readonly omits?: OmittedEvents;
  event(event: AnswerEvent, emit: (event: AnswerEvent) => void): void;
  /**
   * The stream is over. Content goes on here only where `finish` was held with it: what is held of one block goes on at its
   * `block-end`.
   */
  end?(emit: (event: AnswerEvent) => void): void;
}

/** Events of a stream in the client's own format. */
export interface OmittedEvents {
  /** ASCII words of which each such event holds at least one. */
  readonly needles: readonly string[];
  test(event: FramedEvent): boolean;
}

/** A handler, or a handler that runs before or after the rest of its hook. */
export type Ordered<T> = T | { readonly order: 'pre' | 'post'; readonly handler: T };

/** What a plugin's `setup` returns under `hooks`. */
export type PluginHooks = { readonly [K in HookName]?: Ordered<HookSignatures[K]> };

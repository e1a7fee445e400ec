import type { Conversation, Usage } from './conversation/index.ts';
import type { Dialect } from './dialects/dialect.ts';
import type { GatewayError } from './errors.ts';
import type { HookName } from './hook-names.ts';
import type { JsonValue } from './json.ts';
import type { Logger } from './logger.ts';
import type { Operation } from './operations.ts';
import type { Policy } from './policy.ts';
import type { GatewayRequest } from './request.ts';
import type { ExchangeRoute } from './route.ts';
import type { Secret } from './secret.ts';
import type { Slot } from './slot.ts';

/** One client request on its way. Types grow along the way; this much is known in `preRoute`. */
export interface Exchange {
  /** Unique; sent as `x-request-id` and printed in every log line. */
  readonly id: string;
  /** Milliseconds, monotonic (`performance.now()`). */
  readonly startedAt: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly route: ExchangeRoute;
  readonly operation: Operation;
  /** The client's dialect. */
  readonly dialect: Dialect;
  readonly request: GatewayRequest;
  /** Path and query as the client sent them, mount included. */
  readonly url: string;
  /** The model as the client named it; `undefined` when the call names none. */
  readonly model: string | undefined;
  /** Provider instance that serves a model without a prefix: the route's, unless its path says otherwise. */
  readonly defaultProvider: string;
  /** The client asked for a stream. */
  readonly stream: boolean;
  /** The address that the connection came from. */
  readonly clientAddress: string;
  readonly policy: Policy;
  readonly log: Logger;
  readonly targets: readonly Target[] | undefined;

  /**
   * The chat request in one form for all dialects, decoded once. Only calls whose `dialect.chat` is defined have one.
   * Throws GatewayError REQ_INVALID.
   */
  conversation(): Conversation;
  get<T>(slot: Slot<T>): T | undefined;
  set<T>(slot: Slot<T>, value: T): void;
  /** Decides where the exchange goes, first choice first. Without a call the kernel derives one from the model. */
  setTargets(targets: readonly Target[]): void;
  /** The request is replaced before `transformRequest` (a removed `fallbacks` member, say). */
  setRequest(request: GatewayRequest): void;
  /** Runs `release` exactly once when the exchange settles, last registered first, however it ends. Nobody waits for a promise of it. */
  defer(release: () => void): void;
  /** Calls back when the client leaves before its reply is complete. Returns a function that takes it back. */
  onClientGone(listener: () => void): () => void;
  readonly clientGone: boolean;
  /** Adds a header to the reply, such as a rate-limit fact. `name` is lower-case. */
  setReplyHeader(name: string, value: string): void;
  /** The caller asked for the decision record with `x-bf-explain`, and may see it. */
  readonly explains: boolean;
  /**
   * Adds a line to the decision record, which `x-bf-explain` shows and records keep. What every call would say is worth noting
   * only where {@link explains} says so.
   */
  note(by: string, what: string, details?: Readonly<Record<string, JsonValue>>): void;
  /** From now on notes when each handler ran and what it took, for `Outcome.timeline`. */
  keepTimeline(): void;
}

/** From `transformRequest` on. */
export interface RoutedExchange extends Exchange {
  readonly targets: readonly Target[];
  /** Paths of the request that the target which serves it cannot carry; known from `transformResponse` on. */
  readonly lossy: readonly string[];
}

export interface Target {
  /** Instance name of a configured provider. */
  readonly provider: string;
  /** Model as that provider names it; `''` when the call names none. */
  readonly model: string;
  /** Name of the only key that may serve. */
  readonly key?: string;
}

/** A key that serves an attempt: one of a provider's pool, or the caller's own. */
export interface Key {
  /** Name in config, records and metrics; never the value. */
  readonly name: string;
  readonly value: Secret | undefined;
  /** Provider-specific settings of this key, checked by the provider's schema (azure `endpoint`, bedrock `region`, …). */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The caller's own provider key: serves only the first target and is never stored. */
  readonly direct?: boolean;
  /** The caller named the host that this key is for: it is never trusted to lie inside a private network. */
  readonly callerHost?: boolean;
  /** What this key's provider calls the model (deployment, model id), when that differs from the target's model. */
  readonly model?: string;
}

/** One try at one target. A retry makes a new attempt, never a changed one. */
export interface Attempt {
  readonly exchange: RoutedExchange;
  readonly target: Target;
  /** From 1, over all targets of the exchange. */
  readonly number: number;
  /** Names of keys of this target that failed in this exchange. */
  readonly triedKeys: ReadonlySet<string>;
  readonly reason: AttemptReason;
  readonly startedAt: number;
  /** Calls back once when the attempt is over, with its record: for key health, concurrency and circuit state. */
  onEnd(listener: (record: AttemptRecord) => void): void;
}

/**
 * Why an attempt is made: `first` at its target, with the `next-key` after one that is at fault, as a `retry` after a
 * wait, or as a `hedge` beside one that has not answered yet.
 */
export type AttemptReason = 'first' | 'next-key' | 'retry' | 'hedge';

export interface KeyedAttempt extends Attempt {
  readonly key: Key;
}

export interface AttemptRecord {
  readonly number: number;
  readonly provider: string;
  readonly model: string;
  readonly key: string | undefined;
  readonly result: 'ok' | 'failed' | 'abandoned';
  /** HTTP status of the provider, when there was one. */
  readonly status: number | undefined;
  readonly error: GatewayError | undefined;
  /** Milliseconds from the start of the exchange to the start of the attempt. */
  readonly startedMs: number;
  /** Milliseconds from the start of the attempt to its end. */
  readonly durationMs: number;
  /** Milliseconds from the start of the exchange until the call was handed to the network; absent when none was made. */
  readonly sentMs?: number | undefined;
  /** Milliseconds from then to the last byte of the reply. */
  readonly upstreamMs?: number | undefined;
  /** Milliseconds that opening a connection took; absent when one was open. */
  readonly connectMs?: number | undefined;
  /** Milliseconds to the first content, or to the whole reply when it was no stream. */
  readonly firstContentMs: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly usage: Usage | undefined;
}

/** How an exchange ended; what `postLog` gets. */
export interface Outcome {
  /** HTTP status that the client saw; 499 when it left before one was sent. */
  readonly status: number;
  readonly error: GatewayError | undefined;
  /** The client left before its reply was complete. */
  readonly clientGone: boolean;
  readonly usage: Usage | undefined;
  /** The provider's finish word. */
  readonly finish: string | undefined;
  readonly origin: 'upstream' | 'gateway';
  readonly attempts: readonly AttemptRecord[];
  readonly durationMs: number;
  /** Milliseconds that the exchange waited for a place; absent when it waited for none. */
  readonly queueMs?: number | undefined;
  /** Milliseconds until the first byte for the client was written. */
  readonly firstByteMs: number | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Stream events (or reads of a carried stream) that were sent. */
  readonly chunks: number;
  /** Paths of the request that the target could not carry. */
  readonly lossy: readonly string[];
  readonly decisions: readonly Decision[];
  /** What each handler took, in the order in which they ended; only when a plugin asked by `keepTimeline` or the client for `x-bf-explain`. */
  readonly timeline?: readonly HookStep[] | undefined;
}

/** One run of one plugin's handler. */
export interface HookStep {
  readonly plugin: string;
  readonly hook: HookName;
  /** Milliseconds from the start of the exchange. */
  readonly atMs: number;
  readonly ms: number;
}

export interface Decision {
  /** Milliseconds since the exchange started. */
  readonly atMs: number;
  /** The plugin, or `kernel`. */
  readonly by: string;
  readonly what: string;
  readonly details?: Readonly<Record<string, JsonValue>>;
}

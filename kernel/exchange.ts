import {
  type AttemptRecord,
  type Conversation,
  type Decision,
  type Dialect,
  defaultPolicy,
  type ExchangeRoute,
  type FlatHeaders,
  GatewayError,
  type GatewayRequest,
  type HookName,
  type JsonValue,
  type Key,
  type KeyedAttempt,
  type Logger,
  type Operation,
  type Policy,
  type RoutedExchange,
  type Slot,
  type Target,
  type Usage,
} from '../plugin-sdk/index.ts';

export interface ExchangeStart {
  readonly id: string;
  readonly route: ExchangeRoute;
  readonly operation: Operation;
  readonly dialect: Dialect;
  readonly defaultProvider: string;
  readonly pathModel: string | undefined;
  readonly request: GatewayRequest;
  readonly url: string;
  readonly clientAddress: string;
  readonly time: number;
  readonly startedAt: number;
  readonly log: Logger;
  readonly explain: boolean;
}

/**
 * One client request on its way: fixed fields, set once in the constructor, so that every exchange has the same shape
 * for the JIT. Plugins see the interfaces of plugin-sdk; the kernel sees this.
 */
export class LiveExchange implements RoutedExchange {
  readonly id: string;
  readonly startedAt: number;
  readonly time: number;
  readonly route: ExchangeRoute;
  readonly operation: Operation;
  readonly dialect: Dialect;
  readonly defaultProvider: string;
  readonly url: string;
  readonly clientAddress: string;
  readonly policy: Policy = defaultPolicy();
  readonly log: Logger;
  readonly timeline: Timeline | undefined;
  request: GatewayRequest;
  model: string | undefined;
  stream: boolean;
  targets: readonly Target[] = [];
  clientGone = false;
  /** Facts for the outcome, filled on the way. */
  usage: Usage | undefined = undefined;
  finish: string | undefined = undefined;
  readonly attempts: AttemptRecord[] = [];
  /** The attempt whose reply the client gets; open until that is delivered. */
  served: LiveAttempt | undefined = undefined;
  /** Reads usage from bytes that were passed on; called once, after delivery. */
  readUsage: (() => void) | undefined = undefined;
  lossy: readonly string[] = [];
  /** Writes of a streamed reply. */
  chunks = 0;
  readonly replyHeaders: FlatHeaders = [];
  onSent: (() => void) | undefined = undefined;
  #conversation: Conversation | undefined = undefined;
  #slots: unknown[] | undefined = undefined;
  #defers: (() => void)[] | undefined = undefined;
  #goneListeners: Set<() => void> | undefined = undefined;
  #decisions: Decision[] | undefined = undefined;

  constructor(start: ExchangeStart) {
    this.id = start.id;
    this.startedAt = start.startedAt;
    this.time = start.time;
    this.route = start.route;
    this.operation = start.operation;
    this.dialect = start.dialect;
    this.defaultProvider = start.defaultProvider;
    this.url = start.url;
    this.clientAddress = start.clientAddress;
    this.log = start.log;
    this.request = start.request;
    this.model = start.pathModel;
    this.stream = false;
    this.timeline = start.explain ? new Timeline() : undefined;
  }

  get<T>(slot: Slot<T>): T | undefined {
    return this.#slots?.[slot.index] as T | undefined;
  }

  set<T>(slot: Slot<T>, value: T): void {
    (this.#slots ??= [])[slot.index] = value;
  }

  setTargets(targets: readonly Target[]): void {
    this.targets = targets;
  }

  setRequest(request: GatewayRequest): void {
    this.request = request;
    this.#conversation = undefined;
  }

  /** The request decoded by the client's dialect, once. Throws GatewayError REQ_INVALID, REQ_BODY_NOT_JSON. */
  conversation(): Conversation {
    if (this.#conversation !== undefined) return this.#conversation;
    const { body } = this.request;
    if (this.dialect.chat === undefined || body.kind !== 'bytes') {
      throw new GatewayError('REQ_UNSUPPORTED', { provider: this.targets[0]?.provider ?? '', operation: this.operation });
    }
    this.#conversation = this.dialect.chat.decodeRequest(body.json());
    return this.#conversation;
  }

  defer(release: () => void): void {
    (this.#defers ??= []).push(release);
  }

  /** Runs the deferred releases, last first. A failing one does not keep the others from running. */
  runDeferred(): void {
    const defers = this.#defers;
    this.#defers = undefined;
    for (const release of defers?.reverse() ?? []) {
      try {
        release();
      } catch (cause) {
        this.log.error({ request: this.id, err: cause }, 'a deferred release failed');
      }
    }
  }

  onClientGone(listener: () => void): () => void {
    const listeners = (this.#goneListeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  leave(): void {
    if (this.clientGone) return;
    this.clientGone = true;
    for (const listener of this.#goneListeners ?? []) listener();
    this.#goneListeners = undefined;
  }

  setReplyHeader(name: string, value: string): void {
    this.replyHeaders.push(name, value);
  }

  note(by: string, what: string, details?: Readonly<Record<string, JsonValue>>): void {
    const atMs = Math.round((performance.now() - this.startedAt) * 100) / 100;
    (this.#decisions ??= []).push(details === undefined ? { atMs, by, what } : { atMs, by, what, details });
  }

  get decisions(): readonly Decision[] {
    return this.#decisions ?? [];
  }
}

/** How long each handler took; kept only for exchanges that someone asked to explain. */
export class Timeline {
  readonly steps: { readonly plugin: string; readonly hook: HookName; readonly ms: number }[] = [];

  add(plugin: string, hook: HookName, ms: number): void {
    this.steps.push({ plugin, hook, ms: Math.round(ms * 1_000) / 1_000 });
  }
}

/** One try at one target with one key. */
export class LiveAttempt implements KeyedAttempt {
  readonly exchange: LiveExchange;
  readonly target: Target;
  readonly number: number;
  readonly triedKeys: ReadonlySet<string>;
  readonly startedAt: number;
  /** What `selectKey` chose. */
  chosen: Key | undefined = undefined;
  firstContentMs: number | undefined = undefined;
  /** Stops the attempt's upstream call, if one runs. */
  cancel: ((error: GatewayError) => void) | undefined = undefined;
  #listeners: ((record: AttemptRecord) => void)[] | undefined = undefined;
  #ended = false;

  constructor(exchange: LiveExchange, target: Target, number: number, triedKeys: ReadonlySet<string>) {
    this.exchange = exchange;
    this.target = target;
    this.number = number;
    this.triedKeys = triedKeys;
    this.startedAt = performance.now();
  }

  get key(): Key {
    if (this.chosen === undefined) throw new GatewayError('BUG', { reason: 'an attempt ran without a key' });
    return this.chosen;
  }

  onEnd(listener: (record: AttemptRecord) => void): void {
    (this.#listeners ??= []).push(listener);
  }

  /** Notes that the first content, or the whole reply, has come. */
  arrived(): void {
    this.firstContentMs ??= performance.now() - this.startedAt;
  }

  /** Closes the attempt, once. */
  end(result: AttemptRecord['result'], status: number | undefined, error: GatewayError | undefined, usage: Usage | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    const record: AttemptRecord = {
      number: this.number,
      provider: this.target.provider,
      model: this.chosen?.model ?? this.target.model,
      key: this.chosen?.name,
      result,
      status,
      error,
      durationMs: performance.now() - this.startedAt,
      firstContentMs: this.firstContentMs,
      retryAfterMs: error?.retryAfterMs,
      usage,
    };
    this.exchange.attempts.push(record);
    for (const listener of this.#listeners ?? []) listener(record);
  }
}

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
  type JsonValue,
  type Logger,
  type MaybePromise,
  type Operation,
  type Policy,
  type RoutedExchange,
  type Slot,
  type Target,
  type Usage,
} from '../plugin-sdk/index.ts';
import type { LiveAttempt } from './attempt.ts';
import type { ExchangeStart } from './exchange-start.ts';
import { isTarget } from './is-target.ts';
import { validateHeaderName } from './node-builtins.ts';
import { notify } from './notify.ts';
import type { Tap } from './tap.ts';
import { Timeline } from './timeline.ts';

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
  timeline: Timeline | undefined;
  /** The caller asked for the decision record and may see it. */
  readonly explains: boolean;
  readonly urlMembers: readonly string[] | undefined;
  readonly upgrade: boolean;
  request: GatewayRequest;
  model: string | undefined;
  stream: boolean;
  targets: readonly Target[] = [];
  clientGone = false;
  /** Set once the exchange must stop wherever it is: the client left, or its total time is over. */
  stopped: GatewayError | undefined = undefined;
  /** Of the reply that the client gets; what an attempt learns on the way stays with the attempt. */
  usage: Usage | undefined = undefined;
  finish: string | undefined = undefined;
  /** Whose change of a whole reply was the last. */
  changedBy: Tap | undefined = undefined;
  readonly attempts: AttemptRecord[] = [];
  /** The attempt whose reply the client gets; open until that is delivered. */
  served: LiveAttempt | undefined = undefined;
  /** Reads usage from bytes that were passed on; called once, after delivery. */
  readUsage: (() => MaybePromise<void>) | undefined = undefined;
  chunks = 0;
  /** Among the open exchanges of clients. */
  place: number | undefined = undefined;
  readonly replyHeaders: FlatHeaders = [];
  onSent: (() => void) | undefined = undefined;
  #conversation: Conversation | undefined = undefined;
  #slots: unknown[] | undefined = undefined;
  #defers: (() => void)[] | undefined = undefined;
  #stopListeners: Set<(reason: GatewayError) => void> | undefined = undefined;
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
    this.urlMembers = start.urlMembers;
    this.upgrade = start.upgrade;
    this.request = start.request;
    this.model = start.pathModel;
    this.stream = false;
    this.explains = start.explain;
    this.timeline = start.explain ? new Timeline(start.startedAt) : undefined;
  }

  get lossy(): readonly string[] {
    return this.served?.lossy ?? [];
  }

  get<T>(slot: Slot<T>): T | undefined {
    return this.#slots?.[slot.index] as T | undefined;
  }

  set<T>(slot: Slot<T>, value: T): void {
    (this.#slots ??= [])[slot.index] = value;
  }

  /** Throws TypeError for what is no list of targets, as {@link setReplyHeader} does. */
  setTargets(targets: readonly Target[]): void {
    if (!Array.isArray(targets) || !targets.every(isTarget))
      throw new TypeError('setTargets takes a list of { provider, model }.');
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
    if (this.dialect.chat === undefined)
      throw new GatewayError('REQ_INVALID', { reason: `There is no conversation in a call of ${this.operation}.` });
    if (body.kind !== 'bytes') throw new GatewayError('REQ_INVALID', { reason: 'The request has no body.' });
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
    for (const release of defers?.reverse() ?? []) notify(release, undefined, this, 'a deferred release failed');
  }

  onClientGone(listener: () => void): () => void {
    return this.onStop(() => {
      if (this.clientGone) notify(listener, undefined, this, "a listener for a client's leaving failed");
    });
  }

  /** Calls back when the exchange must stop, or soon if it must already. Returns a function that takes it back. */
  onStop(listener: (reason: GatewayError) => void): () => void {
    const listeners = (this.#stopListeners ??= new Set());
    listeners.add(listener);
    if (this.stopped !== undefined) queueMicrotask(() => listeners.has(listener) && listener(this.stopped!));
    return () => listeners.delete(listener);
  }

  /** The client left. */
  leave(): void {
    if (this.clientGone) return;
    this.clientGone = true;
    this.stop(new GatewayError('CLIENT_GONE', {}));
  }

  /** Ends everything that runs or waits for this exchange. Leaving outweighs any other reason. */
  stop(reason: GatewayError): void {
    if (this.stopped !== undefined && reason.code !== 'CLIENT_GONE') return;
    this.stopped = reason;
    const listeners = [...(this.#stopListeners ?? [])];
    for (const listener of listeners) listener(reason);
  }

  /**
   * Throws TypeError for a name that HTTP does not allow, and for a value that is no text: the plugin that gives it is to
   * blame, not whoever writes the head.
   */
  setReplyHeader(name: string, value: string): void {
    validateHeaderName(name);
    if (typeof value !== 'string') throw new TypeError(`The header ${name} has a value that is no string.`);
    this.replyHeaders.push(name, value);
  }

  note(by: string, what: string, details?: Readonly<Record<string, JsonValue>>): void {
    const atMs = Math.round((performance.now() - this.startedAt) * 100) / 100;
    (this.#decisions ??= []).push(details === undefined ? { atMs, by, what } : { atMs, by, what, details });
  }

  keepTimeline(): void {
    this.timeline ??= new Timeline(this.startedAt);
  }

  get decisions(): readonly Decision[] {
    return this.#decisions ?? [];
  }
}

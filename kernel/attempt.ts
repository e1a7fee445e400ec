import type { Socket } from 'node:net';
import {
  type AttemptReason,
  type AttemptRecord,
  GatewayError,
  type Key,
  type KeyedAttempt,
  type Target,
  type Usage,
} from '../plugin-sdk/index.ts';
import type { LiveExchange } from './exchange.ts';
import { notify } from './notify.ts';

/** One try at one target with one key. */
export class LiveAttempt implements KeyedAttempt {
  readonly exchange: LiveExchange;
  readonly target: Target;
  readonly number: number;
  readonly triedKeys: ReadonlySet<string>;
  readonly reason: AttemptReason;
  readonly startedAt: number;
  /** What `selectKey` chose. */
  chosen: Key | undefined = undefined;
  firstContentMs: number | undefined = undefined;
  /** What was read of the answer so far. */
  usage: Usage | undefined = undefined;
  finish: string | undefined = undefined;
  /** What the provider itself said went wrong, in a stream that the client saw already. */
  problem: GatewayError | undefined = undefined;
  /** Paths of the request that the target could not carry. */
  lossy: readonly string[] = [];
  /** When its call was handed to the network and when the last byte of the reply had come; milliseconds, monotonic. */
  sentAt: number | undefined = undefined;
  receivedAt: number | undefined = undefined;
  /** Milliseconds that opening a connection took; undefined when one was open. */
  connectMs: number | undefined = undefined;
  /** The provider's side of a WebSocket, until it is joined to the client's. */
  socket: Socket | undefined = undefined;
  /** Stops the attempt's upstream call, if one runs. */
  cancel: ((error: GatewayError) => void) | undefined = undefined;
  #listeners: ((record: AttemptRecord) => void)[] | undefined = undefined;
  #ended = false;

  constructor(
    exchange: LiveExchange,
    target: Target,
    number: number,
    triedKeys: ReadonlySet<string>,
    reason: AttemptReason,
  ) {
    this.exchange = exchange;
    this.target = target;
    this.number = number;
    this.triedKeys = triedKeys;
    this.reason = reason;
    this.startedAt = performance.now();
  }

  get key(): Key {
    if (this.chosen === undefined) throw new GatewayError('BUG', { reason: 'an attempt ran without a key' });
    return this.chosen;
  }

  /** True once another attempt won, or the attempt is otherwise over. */
  get ended(): boolean {
    return this.#ended;
  }

  onEnd(listener: (record: AttemptRecord) => void): void {
    (this.#listeners ??= []).push(listener);
  }

  /** Notes that the first content, or the whole reply, has come. */
  arrived(): void {
    this.firstContentMs ??= performance.now() - this.startedAt;
  }

  /** Closes the attempt, once, and puts it on the exchange's record. */
  end(result: AttemptRecord['result'], status: number | undefined, error: GatewayError | undefined): void {
    this.#close(result, status, error, true);
  }

  /** Closes an attempt that never began, such as one for which no further key was found: it is no part of the record. */
  drop(error: GatewayError): void {
    this.#close('failed', undefined, error, false);
  }

  #close(
    result: AttemptRecord['result'],
    status: number | undefined,
    error: GatewayError | undefined,
    recorded: boolean,
  ): void {
    if (this.#ended) return;
    this.#ended = true;
    const now = performance.now();
    const { sentAt, exchange } = this;
    const record: AttemptRecord = {
      number: this.number,
      provider: this.target.provider,
      model: this.chosen?.model ?? this.target.model,
      key: this.chosen?.name,
      result,
      status,
      error,
      startedMs: this.startedAt - exchange.startedAt,
      durationMs: now - this.startedAt,
      sentMs: sentAt === undefined ? undefined : sentAt - exchange.startedAt,
      upstreamMs: sentAt === undefined ? undefined : (this.receivedAt ?? now) - sentAt,
      connectMs: this.connectMs,
      firstContentMs: this.firstContentMs,
      retryAfterMs: error?.retryAfterMs,
      usage: this.usage,
    };
    if (recorded) exchange.attempts.push(record);
    for (const listener of this.#listeners ?? [])
      notify(listener, record, exchange, 'a listener for the end of an attempt failed');
  }
}

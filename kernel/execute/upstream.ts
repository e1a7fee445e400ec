import { GatewayError, type UpstreamRequest } from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { Deadline } from '../deadline.ts';
import { send } from '../upstream/send.ts';
import type { UpstreamReply } from '../upstream/upstream-reply.ts';
import type { Runtime } from './context.ts';

/** An upstream call under the attempt's time limits, which stops when the client leaves or the exchange must end. */
export interface Upstream {
  readonly reply: UpstreamReply;
  /** The first content (or the whole reply) has come: its time limit ends, the one between events begins. */
  arrived(): void;
  /** The reply is complete or given up: no limit and no listener is left. */
  done(): void;
}

/** Sends a request for an attempt. Throws GatewayError UP_CONNECT, UP_RESET, UP_TIMEOUT, UP_OUTRUN, GUARD_HOST, CLIENT_GONE. */
export async function openUpstream(
  attempt: LiveAttempt,
  request: UpstreamRequest,
  runtime: Runtime,
): Promise<Upstream> {
  const upstream = new LimitedUpstream(attempt, request.provider);
  try {
    upstream.opened(await upstream.send(request, runtime));
  } catch (error) {
    upstream.done();
    throw error;
  }
  return upstream;
}

class LimitedUpstream implements Upstream {
  readonly #attempt: LiveAttempt;
  readonly #provider: string;
  readonly #first: Deadline;
  readonly #unlisten: () => void;
  #between: Deadline | undefined = undefined;
  #reply: UpstreamReply | undefined = undefined;
  /** Stops the call before its head has come. */
  #abort: ((reason: Error) => void) | undefined = undefined;

  constructor(attempt: LiveAttempt, provider: string) {
    const { exchange } = attempt;
    const { firstContentMs } = exchange.policy.timeouts;
    this.#attempt = attempt;
    this.#provider = provider;
    this.#first = new Deadline(firstContentMs, () => this.#late('no content', firstContentMs));
    const stop = (error: GatewayError): void => this.#stop(error);
    this.#unlisten = exchange.onStop(stop);
    // An attempt may make several calls at once.
    const others = attempt.cancel;
    const all = (error: GatewayError): void => {
      others?.(error);
      stop(error);
    };
    attempt.cancel = others === undefined ? stop : all;
  }

  get reply(): UpstreamReply {
    return this.#reply!;
  }

  send(request: UpstreamRequest, { connections }: Runtime): Promise<UpstreamReply> {
    const attempt = this.#attempt;
    const { exchange } = attempt;
    if (exchange.stopped !== undefined || attempt.ended) throw exchange.stopped ?? new GatewayError('UP_OUTRUN', {});
    exchange.onSent?.();
    attempt.sentAt ??= performance.now();
    // An upload takes the time it takes, as long as it moves.
    const sent = exchange.request.body.kind === 'stream' ? () => this.#first.touch() : undefined;
    const started = (abort: (reason: Error) => void): void => {
      this.#abort = abort;
    };
    return send(request, connections, exchange.policy.timeouts.connectMs, started, sent);
  }

  opened(reply: UpstreamReply): void {
    this.#reply = reply;
    this.#attempt.connectMs ??= reply.connectMs;
    this.#abort = undefined;
  }

  arrived(): void {
    if (this.#between !== undefined) return;
    this.#attempt.arrived();
    this.#first.stop();
    const { betweenEventsMs } = this.#attempt.exchange.policy.timeouts;
    this.#between = new Deadline(betweenEventsMs, () => {
      // Silence because the client has stopped reading is no fault of the provider.
      if (this.reply.paused) this.#attempt.exchange.leave();
      else this.#late('nothing more', betweenEventsMs);
    });
    if (betweenEventsMs > 0) this.reply.watch = this.#between;
  }

  done(): void {
    this.#attempt.receivedAt = performance.now();
    this.#first.stop();
    this.#between?.stop();
    this.#unlisten();
    if (this.#reply !== undefined) this.#reply.watch = undefined;
  }

  #stop(error: GatewayError): void {
    if (this.#reply === undefined) this.#abort?.(error);
    else this.#reply.cut(error);
  }

  #late(what: string, ms: number): void {
    this.#stop(new GatewayError('UP_TIMEOUT', { provider: this.#provider, what, ms }));
  }
}

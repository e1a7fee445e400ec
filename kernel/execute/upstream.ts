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
  const { exchange } = attempt;
  const { timeouts } = exchange.policy;
  let reply: UpstreamReply | undefined;
  let abort: ((reason: Error) => void) | undefined;
  const stop = (error: GatewayError): void => (reply === undefined ? abort?.(error) : reply.cut(error));
  const late = (what: string, ms: number) => () =>
    stop(new GatewayError('UP_TIMEOUT', { provider: request.provider, what, ms }));

  const first = new Deadline(timeouts.firstContentMs, late('no content', timeouts.firstContentMs));
  let between: Deadline | undefined;
  const unlisten = exchange.onStop(stop);
  // An attempt may make several calls at once.
  const others = attempt.cancel;
  const cancel = (error: GatewayError): void => {
    others?.(error);
    stop(error);
  };
  attempt.cancel = cancel;
  const done = (): void => {
    attempt.receivedAt = performance.now();
    first.stop();
    between?.stop();
    unlisten();
    if (reply !== undefined) reply.onRead = undefined;
  };
  if (exchange.stopped !== undefined || attempt.ended) {
    done();
    throw exchange.stopped ?? new GatewayError('UP_OUTRUN', {});
  }
  exchange.onSent?.();
  attempt.sentAt ??= performance.now();
  try {
    // An upload takes the time it takes, as long as it moves.
    const sent = exchange.request.body.kind === 'stream' ? () => first.touch() : undefined;
    const started = (stopCall: (reason: Error) => void): void => {
      abort = stopCall;
    };
    reply = await send(request, runtime.connections, timeouts.connectMs, started, sent);
  } catch (error) {
    done();
    throw error;
  }
  const opened = reply;
  return {
    reply: opened,
    arrived() {
      if (between !== undefined) return;
      attempt.arrived();
      first.stop();
      between = new Deadline(timeouts.betweenEventsMs, () => {
        // Silence because the client has stopped reading is no fault of the provider.
        if (opened.paused) exchange.leave();
        else late('nothing more', timeouts.betweenEventsMs)();
      });
      const onRead = (): void => between?.touch();
      if (timeouts.betweenEventsMs > 0) opened.onRead = onRead;
    },
    done,
  };
}

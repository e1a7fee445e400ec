import type { Dispatcher } from 'undici';
import { Secret, type UpstreamRequest } from '../plugin-sdk/index.ts';
import type { Connections } from './connections.ts';
import { UpstreamCall } from './upstream-call.ts';
import type { UpstreamReply } from './upstream-reply.ts';

/**
 * One upstream HTTP call. The promise settles with the head; the body flows with backpressure, all reads of one tick
 * merged into one push. `started` gets the means to stop the call at any moment, before the head too; `sent` is called
 * for every piece of the request's body that went out.
 *
 * A kept-alive connection that turns out closed before a byte of the answer came is replaced once, unseen.
 *
 * Throws GatewayError UP_CONNECT, UP_RESET, UP_TIMEOUT (connect), GUARD_HOST.
 */
export function send(
  request: UpstreamRequest,
  connections: Connections,
  connectMs: number,
  started?: (abort: (reason: Error) => void) => void,
  sent?: () => void,
): Promise<UpstreamReply> {
  return new Promise((resolve, reject) => {
    const { body = null } = request;
    const options = {
      path: request.path,
      method: request.method as Dispatcher.HttpMethod,
      headers: revealed(request.headers),
      body,
    } as Dispatcher.DispatchOptions;
    const pool = connections.to(request.origin, request.privateAddresses, connectMs);
    const isRepeatable = body === null || typeof body === 'string' || Buffer.isBuffer(body);
    const again = isRepeatable
      ? () => connections.dispatchOnce(request.origin, request.privateAddresses, connectMs, options, call)
      : undefined;
    const call = new UpstreamCall(request.provider, resolve, reject, again);
    call.onSent = sent;
    started?.((reason) => call.abort(reason));
    pool.dispatch(options, call);
  });
}

/** The one place where credentials become text: on their way to the socket. */
export function revealed(headers: readonly (string | Secret)[]): string[] {
  return headers.map((part) => (typeof part === 'string' ? part : Secret.reveal(part)));
}

import type { UpstreamRequest } from '../../plugin-sdk/index.ts';
import type { Connections } from './connections.ts';
import { UpstreamCall } from './upstream-call.ts';
import { upstreamError } from './upstream-error.ts';
import type { UpstreamReply } from './upstream-reply.ts';
import { wireRequest } from './wire-request.ts';

/**
 * One upstream HTTP call. The promise settles with the head; the body flows with backpressure, one push for each read.
 * `started` gets the means to stop the call at any moment, before the head too; `sent` is called for every piece of a
 * streamed request body that went out.
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
    const { origin, privateAddresses, provider } = request;
    const pool = connections.to({ origin, privateAddresses, connectMs });
    const call = new UpstreamCall(provider, resolve, reject, sent);
    started?.((reason) => call.abort(reason));
    try {
      call.begin(wireRequest(request, pool.host), pool);
    } catch (error) {
      reject(upstreamError(provider, error as Error, 'connecting'));
    }
  });
}

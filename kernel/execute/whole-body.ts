import { collect, GatewayError, type MaybePromise, type Provider } from '../../plugin-sdk/index.ts';
import type { UpstreamReply } from '../upstream/upstream-reply.ts';

/** All of a reply's body, at once where it has come already. Throws GatewayError UP_BAD_BODY when it is more than `limit` bytes. */
export function wholeBody(provider: Provider, reply: UpstreamReply, limit: number, what = 'it'): MaybePromise<Buffer> {
  const reason = `${what} is larger than ${limit} bytes`;
  return (
    reply.takeWhole() ??
    collect(reply, limit, () => new GatewayError('UP_BAD_BODY', { provider: provider.name, reason }))
  );
}

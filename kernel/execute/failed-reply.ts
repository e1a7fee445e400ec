import { type Dialect, getHeader, type Provider, type Reply, withHeader } from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { decodedReply } from '../decoded-reply.ts';
import { fixError } from './quirks.ts';
import type { Upstream } from './upstream.ts';
import { wholeBody } from './whole-body.ts';
import { withoutKey } from './without-key.ts';

const errorBytes = 1_048_576;

/** An error status of the provider: its body is small and decides whether another attempt is worth it, so it is read whole. */
export async function failedReply(
  attempt: LiveAttempt,
  provider: Provider,
  dialect: Dialect,
  upstream: Upstream,
): Promise<Reply> {
  const { reply } = upstream;
  const { exchange } = attempt;
  try {
    const bytes = await wholeBody(provider, reply, errorBytes, 'its error body');
    upstream.arrived();
    const coding = getHeader(reply.headers, 'content-encoding');
    const readable = coding === undefined;
    const sent = readable ? bytes : (decodedReply(bytes, coding, errorBytes) ?? Buffer.alloc(0));
    const plain = withoutKey(sent, attempt.key);
    const hidden = plain !== sent;
    const problem = dialect.decodeError(reply.status, plain, reply.headers);
    exchange.note('kernel', 'provider answered with an error', { provider: provider.name, status: reply.status });
    const told = hidden ? plain : bytes;
    const shown = (readable || hidden) && exchange.route.passthrough !== true ? fixError(provider, told) : told;
    const headers = hidden ? withHeader(reply.headers, 'content-length', undefined) : reply.headers;
    return {
      origin: 'upstream',
      status: reply.status,
      headers: hidden ? withHeader(headers, 'content-encoding', undefined) : headers,
      dialect,
      problem,
      body: { type: 'bytes', bytes: shown },
    };
  } finally {
    upstream.done();
  }
}

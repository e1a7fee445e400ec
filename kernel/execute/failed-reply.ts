import { collect, type Dialect, GatewayError, getHeader, type Provider, type Reply } from '../../plugin-sdk/index.ts';
import { decodedReply } from '../decoded-reply.ts';
import type { LiveExchange } from '../exchange.ts';
import { fixError } from './quirks.ts';
import type { Upstream } from './upstream.ts';

const errorBytes = 1_048_576;

/** An error status of the provider: its body is small and decides whether another attempt is worth it, so it is read whole. */
export async function failedReply(
  exchange: LiveExchange,
  provider: Provider,
  dialect: Dialect,
  upstream: Upstream,
): Promise<Reply> {
  const { reply } = upstream;
  const reason = `its error body is larger than ${errorBytes} bytes`;
  try {
    const bytes =
      reply.takeWhole() ??
      (await collect(reply, errorBytes, () => new GatewayError('UP_BAD_BODY', { provider: provider.name, reason })));
    upstream.arrived();
    const coding = getHeader(reply.headers, 'content-encoding');
    const readable = coding === undefined;
    const plain = readable ? bytes : (decodedReply(bytes, coding, errorBytes) ?? Buffer.alloc(0));
    const problem = dialect.decodeError(reply.status, plain, reply.headers);
    exchange.note('kernel', 'provider answered with an error', { provider: provider.name, status: reply.status });
    const shown = readable && exchange.route.passthrough !== true ? fixError(provider, bytes) : bytes;
    return {
      origin: 'upstream',
      status: reply.status,
      headers: reply.headers,
      dialect,
      problem,
      body: { type: 'bytes', bytes: shown },
    };
  } finally {
    upstream.done();
  }
}

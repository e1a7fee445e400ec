import {
  collect,
  type Dialect,
  GatewayError,
  getHeader,
  type Key,
  type Provider,
  type Reply,
  Secret,
  withHeader,
} from '../../plugin-sdk/index.ts';
import type { LiveAttempt } from '../attempt.ts';
import { decodedReply } from '../decoded-reply.ts';
import { fixError } from './quirks.ts';
import type { Upstream } from './upstream.ts';

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
  const reason = `its error body is larger than ${errorBytes} bytes`;
  try {
    const bytes =
      reply.takeWhole() ??
      (await collect(reply, errorBytes, () => new GatewayError('UP_BAD_BODY', { provider: provider.name, reason })));
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

/**
 * A failure in the provider's words without the key that it was called with: Google names a suspended key in full
 * (`Consumer 'api_key:…' has been suspended`). The same bytes when no secret of the key is in them.
 */
function withoutKey(bytes: Buffer, { value, settings }: Key): Buffer {
  const text = bytes.toString('latin1');
  const secrets = [value, ...Object.values(settings)].filter((part) => part instanceof Secret);
  const hidden = secrets.reduce((left, secret) => secret.hideIn(left), text);
  return hidden === text ? bytes : Buffer.from(hidden, 'latin1');
}

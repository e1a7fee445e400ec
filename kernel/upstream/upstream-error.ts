import { GatewayError, isGatewayError } from '../../plugin-sdk/index.ts';

/** Names a failed call by what an operator can do about it. `stage`: how far it had come. */
export function upstreamError(
  provider: string,
  cause: Error,
  stage: 'connecting' | 'asked' | 'answered',
): GatewayError {
  if (isGatewayError(cause)) return cause;
  if (stage === 'answered') return new GatewayError('UP_STREAM_CUT', { provider }, { cause });
  const reason = reasonOf(cause);
  return new GatewayError(stage === 'connecting' ? 'UP_CONNECT' : 'UP_RESET', { provider, reason }, { cause });
}

function reasonOf(cause: NodeJS.ErrnoException & { readonly library?: string; readonly reason?: string }): string {
  const { code, message, library, reason } = cause;
  // OpenSSL's message is a line of its source code.
  if (library?.includes('SSL') === true)
    return `no TLS handshake with it (${reason ?? code}); does it speak plain http?`;
  // Of several addresses tried each has its own message, and the whole has none.
  return message === '' ? (code ?? 'unknown') : message;
}

import { GatewayError, isGatewayError } from '../../plugin-sdk/index.ts';

/** Names a failed call by what an operator can do about it. `stage`: how far it had come. */
export function upstreamError(
  provider: string,
  cause: Error,
  stage: 'connecting' | 'asked' | 'answered',
): GatewayError {
  if (isGatewayError(cause)) return cause;
  if (stage === 'answered') return new GatewayError('UP_STREAM_CUT', { provider }, { cause });
  const { code, message } = cause as NodeJS.ErrnoException;
  // Of several addresses tried each has its own message, and the whole has none.
  const reason = message === '' ? (code ?? 'unknown') : message;
  return new GatewayError(stage === 'connecting' ? 'UP_CONNECT' : 'UP_RESET', { provider, reason }, { cause });
}

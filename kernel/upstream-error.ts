import { GatewayError, isGatewayError } from '../plugin-sdk/index.ts';

/** Names a failed connection by what an operator can do about it. */
export function upstreamError(provider: string, cause: Error, answered: boolean): GatewayError {
  if (isGatewayError(cause)) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  const reason = cause.message === '' ? (code ?? 'unknown') : cause.message;
  if (answered) return new GatewayError('UP_STREAM_CUT', { provider }, { cause });
  if (code === 'UND_ERR_CONNECT_TIMEOUT')
    return new GatewayError('UP_CONNECT', { provider, reason: 'no connection in time' }, { cause });
  const beforeConnection =
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO)/;
  if (code !== undefined && beforeConnection.test(code))
    return new GatewayError('UP_CONNECT', { provider, reason }, { cause });
  return new GatewayError('UP_RESET', { provider, reason }, { cause });
}

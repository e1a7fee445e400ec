import { type GatewayError, typeOfStatus } from '../../errors.ts';
import { saysTooLong, shownStatus } from '../passed-on-errors.ts';

/** Words of other formats and what OpenAI says instead. */
const types: Readonly<Record<string, string>> = {
  api_error: 'server_error',
  overloaded_error: 'server_error',
  timeout_error: 'server_error',
  billing_error: 'insufficient_quota',
  request_too_large: 'invalid_request_error',
  conflict_error: 'invalid_request_error',
};

/** Codes that clients look for, by status, where the provider named none of its own (wire facts 1.5 and 3.5). */
const codes: Readonly<Record<number, string>> = {
  401: 'invalid_api_key',
  402: 'insufficient_quota',
  404: 'model_not_found',
  429: 'rate_limit_exceeded',
};

/** `type` and `code` in OpenAI's vocabulary, also for a failure that a provider of another format put into its own words. */
export function errorWords(error: GatewayError): { readonly type: string; readonly code: string | null } {
  const { type, openaiCode: code, status } = error;
  if (error.code !== 'UP_STATUS' && error.code !== 'UP_STREAM_ERROR') return { type, code };
  const isWord = /^[a-z][a-z0-9_.-]*$/.test(type);
  return { type: isWord ? (types[type] ?? type) : typeOfStatus(shownStatus(status)), code: codeOf(code, error) };
}

function codeOf(code: string | null, error: GatewayError): string | null {
  // Google's reasons are in capitals; AWS has exception names, which say no more than the status does.
  if (code !== null && !/^[A-Z][A-Z0-9_]*$/.test(code)) return code;
  if (saysTooLong(error)) return 'context_length_exceeded';
  return codes[error.status] ?? code?.toLowerCase() ?? null;
}

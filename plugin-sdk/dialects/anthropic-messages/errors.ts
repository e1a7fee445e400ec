import type { GatewayError } from '../../errors.ts';
import { getHeader } from '../../headers.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { UpstreamProblem } from '../dialect.ts';
import { saysTooLong, shownStatus } from '../passed-on-errors.ts';
import { present } from '../present.ts';

/** Anthropic's error words and the statuses that they stand for (wire facts 3.5). */
const statuses: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

export function encodeError(
  error: GatewayError,
  requestId: string,
): { readonly status: number; readonly body: string } {
  return { status: shownStatus(error.status), body: JSON.stringify(errorObject(error, requestId)) };
}

export function encodeStreamError(error: GatewayError, requestId: string): string {
  return `event: error\ndata: ${JSON.stringify(errorObject(error, requestId))}\n\n`;
}

/** Reads an error body: Anthropic's own, a proxy's `{message}` or `{detail}`, or whatever text there is. */
export function decodeError(status: number, body: Buffer, headers: readonly string[]): UpstreamProblem {
  const text = body.toString();
  const value = parse(text);
  const problem = isObject(value) ? problemOf(value, status) : { status, message: plainText(text, status) };
  return { ...problem, ...present({ retryAfterMs: retryAfter(headers) }) };
}

/** `{type: 'error', error: {type, message}}` as a problem; the status comes from the type where the caller has none. */
export function problemOf(body: JsonObject, status?: number): UpstreamProblem {
  const inner = isObject(body.error) ? body.error : body;
  const type = typeof inner.type === 'string' && inner.type !== 'error' ? inner.type : undefined;
  const details = isObject(inner.details) ? inner.details : {};
  const code = details.error_code ?? inner.code;
  const message = [inner.message, inner.Message, inner.detail, body.error, body.message].find(
    (words) => typeof words === 'string' && words !== '',
  );
  const known = status ?? (type === undefined ? undefined : statuses[type]) ?? 500;
  return {
    status: known,
    message: typeof message === 'string' ? message : `The provider answered with status ${known}.`,
    ...present({ type, code: typeof code === 'string' || typeof code === 'number' ? String(code) : undefined }),
  };
}

/** Milliseconds of `retry-after-ms` or `retry-after` (seconds, or a date, counted from the reply's own `date`). */
export function retryAfter(headers: readonly string[]): number | undefined {
  const milliseconds = Number(getHeader(headers, 'retry-after-ms') ?? Number.NaN);
  if (milliseconds >= 0) return milliseconds;
  const value = getHeader(headers, 'retry-after');
  if (value === undefined) return undefined;
  const seconds = Number(value);
  if (seconds >= 0) return Math.round(seconds * 1_000);
  const until = Date.parse(value) - Date.parse(getHeader(headers, 'date') ?? '');
  return until >= 0 ? until : undefined;
}

/** The text of a body that is no JSON: HTML is reduced to its words. */
export function plainText(text: string, status: number): string {
  const words = text
    .replace(/<(script|style)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return words === '' ? `The provider answered with status ${status}.` : words.slice(0, 500);
}

function errorObject(error: GatewayError, requestId: string): JsonObject {
  // The SDK then sends the whole conversation (@anthropic-ai/sdk 1.12, `ThreadState.recoversFrom`).
  const details = error.code === 'REQ_PREVIOUS_RESPONSE' ? { error_code: 'thread_not_found' } : undefined;
  return {
    type: 'error',
    error: present({ type: typeOf(error), message: messageOf(error), details }),
    request_id: requestId,
  };
}

/**
 * Claude Code compacts a conversation when it reads Anthropic's own words: "prompt is too long: 204902 tokens > 200000
 * maximum" (anthropics/claude-code#46348). Other providers say the same in theirs.
 */
function messageOf(error: GatewayError): string {
  const isTooLong = isPassedOn(error) && (error.openaiCode === 'context_length_exceeded' || saysTooLong(error));
  return isTooLong && !/prompt is too long/i.test(error.text) ? `prompt is too long: ${error.text}` : error.text;
}

function isPassedOn({ code }: GatewayError): boolean {
  return code === 'UP_STATUS' || code === 'UP_STREAM_ERROR';
}

/** OpenAI says `invalid_request_error` of every fault of the client's, also of a wrong key: there the status tells more. */
function typeOf(error: GatewayError): string {
  const { type } = error;
  if (isPassedOn(error) && statuses[type] !== undefined && type !== 'invalid_request_error') return type;
  const status = shownStatus(error.status);
  if (status === 408 || status === 504) return 'timeout_error';
  if (status === 503 || status === 529) return 'overloaded_error';
  if (status >= 500) return 'api_error';
  return Object.keys(statuses).find((type) => statuses[type] === status) ?? 'invalid_request_error';
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

import type { GatewayError } from '../../errors.ts';
import { getHeader } from '../../headers.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { ErrorFace, UpstreamProblem } from '../dialect.ts';
import { present } from '../present.ts';

/** google.rpc.Code words and the HTTP status each stands for (wire.md 4.4). */
const statuses: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  UNKNOWN: 500,
  DATA_LOSS: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

const words: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const retryInfo = 'type.googleapis.com/google.rpc.RetryInfo';

/** How Google reports failures: `{"error":{"code":429,"message":"…","status":"RESOURCE_EXHAUSTED","details":[…]}}`. */
export const googleErrors: ErrorFace = {
  encodeError: (error) => ({ status: error.status, body: errorBody(error) }),
  encodeStreamError: (error) => `data: ${errorBody(error)}\n\n`,
  decodeError(status, body, headers) {
    const text = body.toString();
    const parsed = parse(text);
    const problem = parsed === undefined ? textProblem(status, text) : problemOf(parsed, status);
    if (problem.retryAfterMs !== undefined) return problem;
    const seconds = Number(getHeader(headers, 'retry-after'));
    return seconds > 0 ? { ...problem, retryAfterMs: seconds * 1_000 } : problem;
  },
};

function errorBody(error: GatewayError): string {
  const status = words[error.status] ?? (error.status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT');
  const { retryAfterMs } = error;
  const details =
    retryAfterMs === undefined ? undefined : [{ '@type': retryInfo, retryDelay: `${retryAfterMs / 1_000}s` }];
  return JSON.stringify({ error: present({ code: error.status, message: error.text, status, details }) });
}

/** The object of an error body; the endpoints that stream without SSE wrap it in a list. */
function parse(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    const body = Array.isArray(value) ? value[0] : value;
    return isObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function textProblem(status: number, text: string): UpstreamProblem {
  const message = text.trimStart().startsWith('<') ? '' : text.trim().slice(0, 1_000);
  return { status, message: message === '' ? `Google answered with status ${status}.` : message };
}

/** Reads an error object; `status` is that of the reply. A bad API key is a 400 at Google and a 401 to everyone else. */
export function problemOf(body: JsonObject, status: number): UpstreamProblem {
  const { error } = body;
  if (!isObject(error)) return oauthProblem(body, status);
  const details = Array.isArray(error['details']) ? error['details'].filter(isObject) : [];
  const reason = details.map((detail) => detail['reason']).find((value) => typeof value === 'string');
  const word = typeof error['status'] === 'string' ? error['status'] : undefined;
  return present({
    status: reason === 'API_KEY_INVALID' ? 401 : status,
    message: typeof error['message'] === 'string' ? error['message'] : `Google answered with status ${status}.`,
    type: word,
    code: typeof reason === 'string' ? reason : undefined,
    param: fieldOf(details),
    retryAfterMs: retryDelayOf(details),
  });
}

/** The HTTP status that an error inside a stream stands for: its code, else its word. */
export function statusOf(body: JsonObject): number {
  const { error } = body;
  if (!isObject(error)) return 500;
  const { code, status } = error;
  if (typeof code === 'number' && code >= 400 && code < 600) return code;
  return (typeof status === 'string' ? statuses[status] : undefined) ?? 500;
}

/** Token endpoints answer `{"error":"invalid_grant","error_description":"…"}`. */
function oauthProblem({ error, error_description, message }: JsonObject, status: number): UpstreamProblem {
  const words = [error_description, message, error].find((value) => typeof value === 'string' && value !== '');
  return present({
    status,
    message: typeof words === 'string' ? words : `Google answered with status ${status}.`,
    code: typeof error === 'string' ? error : undefined,
  });
}

/** `retryDelay` is a protobuf duration: `"34s"`, `"0.5s"`. */
function retryDelayOf(details: readonly JsonObject[]): number | undefined {
  for (const { retryDelay } of details) {
    const seconds = typeof retryDelay === 'string' ? Number.parseFloat(retryDelay) : Number.NaN;
    if (seconds >= 0) return Math.round(seconds * 1_000);
  }
  return undefined;
}

function fieldOf(details: readonly JsonObject[]): string | undefined {
  for (const { fieldViolations } of details) {
    const first = Array.isArray(fieldViolations) ? fieldViolations[0] : undefined;
    if (isObject(first) && typeof first['field'] === 'string' && first['field'] !== '') return first['field'];
  }
  return undefined;
}

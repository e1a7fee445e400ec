import type { GatewayError } from '../../errors.ts';
import { getHeader } from '../../headers.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import { plainText, retryAfter } from '../anthropic-messages/errors.ts';
import type { UpstreamProblem } from '../dialect.ts';
import { present } from '../present.ts';
import { writeAwsEvent } from '../write-aws-event.ts';

/** AWS exceptions and the statuses that they stand for (wire facts 6.1). */
const statuses: Readonly<Record<string, number>> = {
  ValidationException: 400,
  ServiceQuotaExceededException: 400,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  ModelTimeoutException: 408,
  ThrottlingException: 429,
  ModelNotReadyException: 429,
  ModelErrorException: 424,
  ModelStreamErrorException: 424,
  InternalServerException: 500,
  ServiceUnavailableException: 503,
};

export function encodeError(
  error: GatewayError,
  _requestId: string,
): { readonly status: number; readonly body: string } {
  return { status: error.status, body: JSON.stringify({ message: error.text, __type: exceptionOf(error.status) }) };
}

/** An exception frame; the stream ends behind it. Only some exceptions exist inside a stream. */
export function encodeStreamError(error: GatewayError, _requestId: string): Uint8Array {
  const name = exceptionOf(error.status);
  const allowed = /^(Validation|Throttling|ModelStreamError|ServiceUnavailable)/.test(name)
    ? name
    : 'InternalServerException';
  return writeAwsEvent(
    allowed[0]!.toLowerCase() + allowed.slice(1),
    JSON.stringify({ message: error.text }),
    'exception',
  );
}

/** Reads `{"message"}` with the type in `x-amzn-errortype` (`ThrottlingException:http://…`) or in `__type` (`ns#Type`). */
export function decodeError(status: number, body: Buffer, headers: readonly string[]): UpstreamProblem {
  const text = body.toString();
  const value = parse(text);
  const fields = isObject(value) ? value : {};
  const named = getHeader(headers, 'x-amzn-errortype') ?? fields.__type ?? fields.code;
  const type = typeof named === 'string' ? named.split(':', 1)[0]!.replace(/^.*#/, '') : undefined;
  return {
    status,
    message: messageOf(fields) ?? plainText(isObject(value) ? '' : text, status),
    ...present({ type, retryAfterMs: retryAfter(headers) }),
  };
}

/** An exception frame as a problem; its name is in lower camel case here. */
export function streamProblem(name: string | undefined, data: string): UpstreamProblem {
  const value = parse(data);
  const fields = isObject(value) ? value : {};
  const type = name === undefined ? 'InternalServerException' : name[0]!.toUpperCase() + name.slice(1);
  const original =
    type === 'ModelStreamErrorException' && typeof fields.originalStatusCode === 'number'
      ? fields.originalStatusCode
      : undefined;
  return { status: original ?? statuses[type] ?? 500, message: messageOf(fields) ?? type, type };
}

function messageOf(fields: JsonObject): string | undefined {
  const message = fields.message ?? fields.Message;
  return typeof message === 'string' && message !== '' ? message : undefined;
}

function exceptionOf(status: number): string {
  if (status === 401) return 'AccessDeniedException';
  const known = Object.keys(statuses).find((type) => statuses[type] === status);
  return (
    known ??
    (status === 502 || status === 529
      ? 'ServiceUnavailableException'
      : status >= 500
        ? 'InternalServerException'
        : 'ValidationException')
  );
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

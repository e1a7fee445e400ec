import { GatewayError } from '../../errors.ts';
import { getHeader } from '../../headers.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { ErrorFace, UpstreamProblem } from '../dialect.ts';
import { present } from '../present.ts';

/** How Cohere reports failures: `{"message":"…"}`, sometimes with an `id`. */
export const cohereErrors: ErrorFace = {
  encodeError: (error, requestId) => ({
    status: error.status,
    body: JSON.stringify({ id: requestId, message: error.text }),
  }),
  encodeStreamError(error, requestId) {
    const delta = { error: error.text, finish_reason: 'ERROR' };
    return `event: message-end\ndata: ${JSON.stringify({ id: requestId, type: 'message-end', delta })}\n\n`;
  },
  decodeError(status, body, headers) {
    const problem = problemOf(body.toString(), status);
    const seconds = Number(getHeader(headers, 'retry-after'));
    return seconds > 0 ? { ...problem, retryAfterMs: seconds * 1_000 } : problem;
  },
};

export function problemOf(text: string, status: number): UpstreamProblem {
  const { message, error, data, type } = parse(text) ?? {};
  const plain = text.trimStart().startsWith('<') ? '' : text.trim().slice(0, 1_000);
  const nested = isObject(error) ? error['message'] : error;
  const said = [message, nested, data].find((value) => typeof value === 'string' && value !== '');
  const fallback = plain === '' ? `Cohere answered with status ${status}.` : plain;
  return present({
    status,
    message: typeof said === 'string' ? said : fallback,
    type: typeof type === 'string' ? type : undefined,
  });
}

function parse(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The failure in a `message-end`, which has no HTTP status of its own. */
export function streamError(delta: JsonObject): GatewayError | undefined {
  const { error } = delta;
  const message = isObject(error) ? error['message'] : error;
  return typeof message === 'string' && message !== '' ? new GatewayError('UP_STREAM_ERROR', { message }) : undefined;
}

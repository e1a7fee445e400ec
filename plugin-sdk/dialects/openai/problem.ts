import { getHeader } from '../../headers.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { UpstreamProblem } from '../dialect.ts';
import { present } from '../present.ts';

/**
 * A failure in any of the shapes that OpenAI-likes send: `{error: {…}}`, `{error: "text"}`, flat
 * `{object: "error", message, type, param, code}`, `{message}`, `{detail: "…" | […]}`, `[{error}]`.
 * `undefined` when the value reports none.
 *
 * @param status The HTTP status; of an in-stream error the one its code or type stands for.
 */
export function problemOf(value: JsonValue | undefined, status: number | undefined): UpstreamProblem | undefined {
  if (Array.isArray(value)) return problemOf(value[0], status);
  if (!isObject(value)) return undefined;
  const error = value['error'];
  if (isObject(error)) return describe(error, status);
  if (typeof error === 'string' && error !== '') return describe({ ...value, message: error }, status);
  if ('detail' in value) return describe({ ...value, message: textOfDetail(value['detail']) }, status);
  return typeof value['message'] === 'string' ? describe(value, status) : undefined;
}

/** Milliseconds until a retry makes sense, from `retry-after-ms` or `retry-after` (seconds or an HTTP date). */
export function retryAfterMs(headers: readonly string[]): number | undefined {
  const exact = Number.parseFloat(getHeader(headers, 'retry-after-ms') ?? '');
  if (exact >= 0) return exact;
  const after = getHeader(headers, 'retry-after');
  if (after === undefined) return undefined;
  const wait = /^\s*[\d.]+\s*$/.test(after) ? Number.parseFloat(after) * 1_000 : Date.parse(after) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
}

function describe(error: JsonObject, status: number | undefined): UpstreamProblem {
  const code = textOf(error['code']);
  const type = textOf(error['type']);
  return present({
    status: status ?? statusOf(error, type, code),
    message: messageOf(error),
    type,
    code,
    param: textOf(error['param']),
  });
}

function messageOf(error: JsonObject): string {
  const message = error['message'];
  if (typeof message === 'string' && message !== '') return message;
  // Mistral puts the list of faults where others put words.
  return isObject(message) ? textOfDetail(message['detail'] ?? message) : JSON.stringify(error);
}

/** FastAPI lists faults as `{loc, msg, type}`. */
function textOfDetail(detail: JsonValue | undefined): string {
  if (typeof detail === 'string') return detail;
  if (!Array.isArray(detail)) return JSON.stringify(detail);
  return detail
    .map((fault) => {
      if (!isObject(fault) || typeof fault['msg'] !== 'string') return JSON.stringify(fault);
      const place = Array.isArray(fault['loc']) ? `${fault['loc'].join('.')}: ` : '';
      return place + fault['msg'];
    })
    .join('; ');
}

const words: readonly (readonly [RegExp, number])[] = [
  [/rate_limit|too_many_requests|insufficient_quota|quota/, 429],
  [/authentication|invalid_api_key|unauthorized/, 401],
  [/permission|forbidden/, 403],
  [/not_found/, 404],
  [/overloaded|unavailable|capacity/, 503],
  [/timeout/, 504],
  [/invalid|unsupported|policy|context_length|tool_use_failed|bad_request/, 400],
];

function statusOf(error: JsonObject, type: string | undefined, code: string | undefined): number {
  for (const value of [error['status_code'], error['status'], error['code']]) {
    const number = typeof value === 'string' ? Number.parseInt(value, 10) : value;
    if (typeof number === 'number' && number >= 400 && number < 600) return number;
  }
  const said = `${type ?? ''} ${code ?? ''}`.toLowerCase();
  return words.find(([pattern]) => pattern.test(said))?.[1] ?? 502;
}

/** Codes may be numbers (OpenRouter, vLLM); the format knows only strings. */
function textOf(value: JsonValue | undefined): string | undefined {
  return value === undefined || value === null || value === '' ? undefined : String(value);
}

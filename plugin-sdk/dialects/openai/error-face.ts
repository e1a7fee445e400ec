import type { GatewayError } from '../../errors.ts';
import type { JsonValue } from '../../json.ts';
import type { ErrorFace, UpstreamProblem } from '../dialect.ts';
import { shownStatus } from '../passed-on-errors.ts';
import { present } from '../present.ts';
import { errorWords } from './error-words.ts';
import { problemOf, retryAfterMs } from './problem.ts';

/** How every OpenAI dialect reports failures: `{"error":{"message","type","param","code"}}` and nothing beside it. */
export const errorFace: ErrorFace = { encodeError, encodeStreamError, decodeError };

function encodeError(error: GatewayError): { readonly status: number; readonly body: string } {
  return { status: shownStatus(error.status), body: errorBody(error) };
}

/** The SDKs throw on a data event with `error` in it, on chat and on responses alike. */
function encodeStreamError(error: GatewayError): string {
  return `data: ${errorBody(error)}\n\n`;
}

function errorBody(error: GatewayError): string {
  const { type, code } = errorWords(error);
  return JSON.stringify({ error: { message: error.text, type, param: error.param ?? null, code } });
}

function decodeError(status: number, body: Buffer, headers: readonly string[]): UpstreamProblem {
  const text = body.toString().trim();
  const problem = problemOf(parse(text), status) ?? { status, message: messageOfText(text, status) };
  return present({ ...problem, retryAfterMs: retryAfterMs(headers) });
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

const longestText = 500;

/** Proxies answer with web pages; their title says what a reader needs. */
function messageOfText(text: string, status: number): string {
  if (text === '') return `The provider answered ${status} without a body.`;
  if (!/^<(!doctype|html)/i.test(text)) return text.slice(0, longestText);
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1]?.trim();
  return title
    ? `The provider answered ${status} with a web page: ${title}`
    : `The provider answered ${status} with a web page.`;
}

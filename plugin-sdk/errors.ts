import { type Code, type ErrorSpec, type RetryRule, specs } from './error-table.ts';

export type { RetryRule } from './error-table.ts';

type Names<Message extends string> = Message extends `${string}{${infer Field}}${infer Rest}`
  ? Field | Names<Rest>
  : never;

/** The fields that a code's message and hint need; a missing or misspelt one does not compile. */
export type FieldsOf<C extends Code> = Record<
  Names<(typeof specs)[C]['message']> | ((typeof specs)[C] extends { hint: infer H extends string } ? Names<H> : never),
  string | number
>;

export interface ErrorExtras {
  readonly cause?: unknown;
  /** Replaces the table's HTTP status: the provider's own, for UP_STATUS. */
  readonly status?: number;
  /** Path of the request field at fault, such as `messages[0].content`. */
  readonly param?: string;
  /** Replaces the retry rule of the table. */
  readonly retry?: RetryRule;
  /** Milliseconds after which a retry makes sense; sent as `retry-after`. */
  readonly retryAfterMs?: number;
  /** False tells SDKs not to repeat the call by themselves (`x-should-retry: false`). */
  readonly clientMayRetry?: boolean;
  /** The provider's own words (OpenAI `type` and `code`), kept when an error is passed on. */
  readonly type?: string;
  readonly openaiCode?: string;
  /** The plugin and hook to blame, set by the kernel. */
  readonly plugin?: string;
  readonly hook?: string;
}

const brand = Symbol.for('bifrost-kernel.error');

/**
 * Every failure the gateway knows. Recognise one with {@link isGatewayError}, not `instanceof`: a plugin may bring its
 * own copy of this module.
 */
export class GatewayError<C extends Code = Code> extends Error {
  readonly [brand] = true;
  readonly code: C;
  readonly fields: Readonly<Record<string, string | number>>;
  readonly status: number;
  readonly hint: string | undefined;
  readonly retry: RetryRule;
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly clientMayRetry: boolean | undefined;
  readonly type: string;
  /** `error.code` of the OpenAI dialect. */
  readonly openaiCode: string | null;
  plugin: string | undefined;
  hook: string | undefined;

  constructor(code: C, fields: FieldsOf<C>, extras: ErrorExtras = {}) {
    const spec: ErrorSpec = specs[code];
    super(fill(spec.message, fields), extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.fields = fields;
    this.status = extras.status ?? spec.status;
    this.hint = spec.hint === undefined ? undefined : fill(spec.hint, fields) || undefined;
    this.retry = extras.retry ?? spec.retry;
    this.param = extras.param;
    this.retryAfterMs = extras.retryAfterMs;
    this.clientMayRetry = extras.clientMayRetry;
    this.type = extras.type ?? spec.type ?? typeOfStatus(this.status);
    this.openaiCode = extras.openaiCode ?? spec.openaiCode ?? null;
    this.plugin = extras.plugin;
    this.hook = extras.hook;
  }

  /** Message and hint as one text for a client. */
  get text(): string {
    if (this.hint === undefined) return this.message;
    return `${this.message}${/[.!?]$/.test(this.message) ? '' : '.'} ${this.hint}`;
  }
}

export function isGatewayError(value: unknown): value is GatewayError {
  return typeof value === 'object' && value !== null && (value as { [brand]?: true })[brand] === true;
}

/** The OpenAI `type` word for a status that has no better one (wire facts: OpenAI error table). */
export function typeOfStatus(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

function fill(template: string, fields: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(fields[name] ?? whole));
}

export type { Code } from './error-table.ts';

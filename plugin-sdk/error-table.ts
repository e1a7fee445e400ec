/** Who may try again with what, after this error. The attempt loop reads this and nothing else. */
export type RetryRule = 'never' | 'same-key' | 'next-key' | 'next-target';

export interface ErrorSpec {
  /** HTTP status the client sees, unless the error carries its own. */
  readonly status: number;
  /** What happened; `{field}` places are filled from the error's typed fields. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  readonly retry: RetryRule;
  /** The words of the OpenAI dialect's `type` and `code`; other dialects derive theirs from the status. */
  readonly type?: string;
  readonly openaiCode?: string;
}

/**
 * Every error of the gateway. The prefix says who has to act: CFG_ the operator, PLUGIN_ a plugin's author, REQ_ and
 * AUTH_ the caller, LIMIT_ the caller or whoever grants, ROUTE_ the operator, GUARD_ a policy, UP_ the provider,
 * JOB_ the caller, STORE_ the operator, CLIENT_ nobody, BUG_ us.
 */
// biome-ignore format: a table reads best with a line for each row
export const specs = {
  CFG_INVALID: { status: 500, message: '{report}', retry: 'never' },
  CFG_UNREADABLE: { status: 500, message: 'The config {source} cannot be read: {reason}.', retry: 'never' },

  PLUGIN_UNKNOWN: { status: 500, message: 'There is no plugin {plugin}.', hint: '{suggestion}', retry: 'never' },
  PLUGIN_MALFORMED: { status: 500, message: 'The plugin {plugin} is not usable: {reason}.', retry: 'never' },
  PLUGIN_CYCLE: { status: 500, message: 'Plugins wait for each other: {cycle}.', hint: 'Remove one `after` or `requires`.', retry: 'never' },
  PLUGIN_MISSING: { status: 500, message: 'The plugin {plugin} requires {capability}, which nothing in the config provides.', hint: 'Name it in `requires`, which loads what ships for it, or add a plugin that provides it.', retry: 'never' },
  PLUGIN_SETUP_FAILED: { status: 500, message: 'The plugin {plugin} did not set up: {reason}.', retry: 'never' },
  PLUGIN_SETUP_TIMEOUT: { status: 500, message: 'The plugin {plugin} did not finish setup within {ms} ms.', retry: 'never' },
  PLUGIN_FAILED: { status: 500, message: 'The plugin {plugin} failed in {hook}.', hint: 'The log has the cause under this request id.', retry: 'never', openaiCode: 'plugin_failed' },
  PLUGIN_TIMEOUT: { status: 504, message: 'The plugin {plugin} did not finish {hook} within {ms} ms.', hint: 'Raise `hookTimeoutMs` or fix the plugin.', retry: 'never', openaiCode: 'plugin_timeout' },
  PLUGIN_BAD_RESULT: { status: 500, message: 'The plugin {plugin} returned a wrong value from {hook}: {reason}.', retry: 'never', openaiCode: 'plugin_failed' },

  REQ_BODY_NOT_JSON: { status: 400, message: 'The request body cannot be read as a JSON object: {reason}.', retry: 'never', openaiCode: 'invalid_json' },
  REQ_INVALID: { status: 400, message: '{reason}', retry: 'never' },
  REQ_BAD_PATH: { status: 400, message: 'The path is not accepted: {reason}.', retry: 'never', openaiCode: 'invalid_path' },
  REQ_MISSING_MODEL: { status: 400, message: 'The request names no model.', hint: 'Set "model".', retry: 'never', openaiCode: 'missing_required_parameter' },
  REQ_TOO_LARGE: { status: 413, message: 'The request body is larger than {limit} bytes.', hint: 'Send less, or raise server.limits.bodyBytes (uploadBytes for uploads that stream).', retry: 'never', openaiCode: 'request_too_large' },
  REQ_LENGTH: { status: 411, message: 'A request body to this endpoint needs a content-length.', retry: 'never', openaiCode: 'length_required' },
  REQ_TOO_DEEP: { status: 400, message: 'The request body nests deeper than {limit} levels.', retry: 'never', openaiCode: 'invalid_json' },
  REQ_TIMEOUT: { status: 408, message: 'The request body did not arrive within {ms} ms.', retry: 'never', openaiCode: 'request_timeout' },
  REQ_ENCODING: { status: 415, message: 'The request body uses content-encoding {encoding}, which is not accepted here.', hint: 'Send it as gzip, deflate, br or zstd, or uncompressed.', retry: 'never', openaiCode: 'unsupported_content_encoding' },
  REQ_TRANSFER_ENCODING: { status: 501, message: 'The request has transfer-encoding {coding}, of which only chunked is read here.', hint: 'Send it with transfer-encoding: chunked or a content-length; a compressed body says so in content-encoding.', retry: 'never', type: 'invalid_request_error', openaiCode: 'unsupported_transfer_encoding' },
  REQ_CONTENT_TYPE: { status: 415, message: 'The request body has content-type {type}, which is not read here.', hint: 'Send it with content-type: application/json.', retry: 'never', openaiCode: 'unsupported_content_type' },
  REQ_METHOD: { status: 405, message: '{method} is not allowed on {path}.', hint: 'Use {allowed}.', retry: 'never', openaiCode: 'method_not_allowed' },
  REQ_UNKNOWN_ENDPOINT: { status: 404, message: 'There is no endpoint {method} {path}.', hint: '{advice}', retry: 'never', openaiCode: 'unknown_url' },
  REQ_UNSUPPORTED: { status: 400, message: 'The provider {provider} cannot serve {operation} here.', hint: 'Name one that does, before the model (provider/model) or, where there is none, in x-model-provider.', retry: 'next-target', openaiCode: 'unsupported_operation' },
  REQ_PREVIOUS_RESPONSE: { status: 400, message: "The previous response '{id}' cannot be continued at this provider: {reason}.", hint: 'Send the whole conversation as input, or record content with plugins/records.', retry: 'next-target', openaiCode: 'previous_response_not_found' },
  REQ_LOSSY: { status: 400, message: 'The target {provider} cannot carry: {paths}.', hint: 'Remove these fields, or send without x-bf-strict to drop them.', retry: 'next-target', openaiCode: 'unsupported_parameter' },

  AUTH_MISSING: { status: 401, message: 'virtual key is required. Provide a virtual key via the x-bf-vk header.', retry: 'never', type: 'virtual_key_required', openaiCode: 'virtual_key_required' },
  AUTH_UNKNOWN: { status: 401, message: 'virtual key not found. The provided virtual key does not exist or has been revoked.', retry: 'never', type: 'virtual_key_not_found', openaiCode: 'virtual_key_not_found' },
  AUTH_BLOCKED: { status: 403, message: '{reason}', retry: 'never', type: 'virtual_key_blocked', openaiCode: 'virtual_key_blocked' },
  AUTH_PROVIDER_BLOCKED: { status: 403, message: "Provider '{provider}' is not allowed for this virtual key", retry: 'never', type: 'provider_blocked', openaiCode: 'provider_blocked' },
  AUTH_MODEL_BLOCKED: { status: 403, message: "Model '{model}' is not allowed for this virtual key", retry: 'never', type: 'model_blocked', openaiCode: 'model_blocked' },
  AUTH_HEADERS: { status: 400, message: 'missing required headers: {headers}', retry: 'never', type: 'missing_required_headers', openaiCode: 'missing_required_headers' },
  AUTH_ADMIN: { status: 401, message: 'This needs an admin token: {reason}.', hint: 'Send Authorization: Bearer with the token that the first start printed, or one of admin.tokens.', retry: 'never', openaiCode: 'admin_token_required' },
  AUTH_SCOPE: { status: 403, message: 'This admin token may not {scope}.', retry: 'never', openaiCode: 'insufficient_scope' },
  AUTH_TOKEN: { status: 401, message: 'The bearer token is not accepted: {reason}.', retry: 'never', openaiCode: 'invalid_token' },

  LIMIT_REQUESTS: { status: 429, message: '{account} has used its {limit} requests per {period}.', hint: 'It resets at {reset}.', retry: 'never', type: 'request_limited', openaiCode: 'rate_limit_exceeded' },
  LIMIT_TOKENS: { status: 429, message: '{account} has used its {limit} tokens per {period}.', hint: 'It resets at {reset}.', retry: 'never', type: 'token_limited', openaiCode: 'rate_limit_exceeded' },
  LIMIT_BUDGET: { status: 402, message: '{account} has no budget left for this request: {used} of {limit} USD per {period} are used or reserved and this may cost {wanted}.', hint: 'It resets at {reset}.', retry: 'never', type: 'budget_exceeded', openaiCode: 'insufficient_quota' },
  LIMIT_CONCURRENCY: { status: 429, message: '{account} already runs {limit} requests at once.', retry: 'never', type: 'rate_limited', openaiCode: 'rate_limit_exceeded' },
  LIMIT_QUEUE: { status: 429, message: 'The queue of {account} is full ({limit} waiting).', retry: 'next-target', openaiCode: 'queue_full' },
  LIMIT_HEDGE: { status: 429, message: 'Hedged attempts have used their share of the traffic.', retry: 'never', openaiCode: 'hedge_share' },
  LIMIT_QUEUE_TIME: { status: 503, message: 'No place came free at {account} within {ms} ms.', retry: 'next-target', openaiCode: 'queue_timeout' },
  LIMIT_PRICE_UNKNOWN: { status: 402, message: 'No price is known for {model} at {provider}, and a budget applies.', hint: 'Add the price to plugins/pricing, or allow unknown prices.', retry: 'never', type: 'budget_exceeded', openaiCode: 'price_unknown' },

  ROUTE_UNKNOWN_PROVIDER: { status: 400, message: 'The provider {provider} is not configured.', hint: 'Add providers/{provider} to the config.', retry: 'next-target', openaiCode: 'provider_not_configured' },
  ROUTE_UNKNOWN_MODEL: { status: 404, message: 'The model {model} is not served here.', retry: 'never', openaiCode: 'model_not_found' },
  ROUTE_NO_TARGET: { status: 503, message: 'No target is left for {model}: {reason}.', retry: 'never', openaiCode: 'no_target' },
  ROUTE_NO_KEY: { status: 503, message: 'No key of {provider} can serve {model}: {reason}.', hint: '{advice}', retry: 'next-target', openaiCode: 'no_key' },
  ROUTE_CIRCUIT_OPEN: { status: 503, message: '{target} is resting after repeated failures.', retry: 'next-target', openaiCode: 'circuit_open' },
  ROUTE_KEY_PINNED: { status: 400, message: 'There is no key named {key} at {provider}.', retry: 'never', openaiCode: 'unknown_key' },

  GUARD_BLOCKED: { status: 403, message: 'Blocked by {rule}.', retry: 'never', openaiCode: 'content_blocked' },
  GUARD_HOST: { status: 403, message: 'The host {host} may not be called: {reason}.', retry: 'never', openaiCode: 'host_not_allowed' },
  GUARD_CROSS_SITE: { status: 403, message: 'Web pages of other sites may not call this gateway.', hint: 'Call it from a server, or set server.allowCrossSite.', retry: 'never', openaiCode: 'cross_site_request' },
  GUARD_OUTPUT: { status: 502, message: 'The answer of {provider} does not match the JSON schema that was asked for, at {path}: {reason}.', hint: 'This model has no structured output of its own; ask again, or without strict.', retry: 'next-target', openaiCode: 'output_schema_mismatch' },
  GUARD_DRAINING: { status: 503, message: 'The gateway is shutting down.', retry: 'never', openaiCode: 'draining' },

  UP_CONNECT: { status: 502, message: '{provider} could not be reached: {reason}.', retry: 'same-key', openaiCode: 'upstream_unreachable' },
  UP_TIMEOUT: { status: 504, message: '{provider} sent {what} within {ms} ms.', retry: 'next-target', openaiCode: 'upstream_timeout' },
  UP_RESET: { status: 502, message: '{provider} closed the connection before it answered: {reason}.', retry: 'same-key', openaiCode: 'upstream_reset' },
  UP_STATUS: { status: 502, message: '{message}', retry: 'never' },
  UP_BAD_BODY: { status: 502, message: '{provider} sent an answer that cannot be read: {reason}.', retry: 'same-key', openaiCode: 'upstream_bad_body' },
  UP_STREAM_ERROR: { status: 502, message: '{message}', retry: 'next-target', openaiCode: 'upstream_stream_error' },
  UP_STREAM_CUT: { status: 502, message: '{provider} ended the stream before the answer was complete.', retry: 'same-key', openaiCode: 'upstream_stream_cut' },
  UP_OUTRUN: { status: 502, message: 'Another attempt answered first.', retry: 'never', openaiCode: 'upstream_outrun' },
  UP_EVENT_TOO_LARGE: { status: 502, message: '{provider} sent a stream event larger than {limit} bytes.', retry: 'never', openaiCode: 'upstream_bad_body' },
  UP_AUTH: { status: 502, message: 'The credentials of {provider} could not be used: {reason}.', retry: 'next-key', openaiCode: 'upstream_auth' },

  JOB_UNKNOWN: { status: 404, message: 'job not found or expired', retry: 'never', openaiCode: 'job_not_found' },
  JOB_STREAM: { status: 400, message: 'streaming is not supported for async requests', hint: 'Send the request without stream, or without x-bf-async.', retry: 'never', openaiCode: 'async_stream' },
  JOB_UNSUPPORTED: { status: 400, message: 'async operation is not supported on this route: {operation}', retry: 'never', openaiCode: 'async_unsupported' },
  JOB_INTERRUPTED: { status: 502, message: 'The gateway was interrupted while this job ran.', retry: 'never', openaiCode: 'job_interrupted' },
  JOB_CANCELLED: { status: 409, message: 'The job was cancelled.', retry: 'never', openaiCode: 'job_cancelled' },
  JOB_RUNNING: { status: 409, message: 'The request with this Idempotency-Key still runs.', hint: 'Send it again to get its answer.', retry: 'never', openaiCode: 'idempotency_key_running' },
  JOB_TTL: { status: 400, message: 'x-bf-async-job-result-ttl must be a whole number of seconds from 1 to {limit}, not {got}.', retry: 'never', openaiCode: 'invalid_ttl' },
  JOB_TOO_LARGE: { status: 413, message: 'The request body is larger than the {limit} bytes that a job keeps.', hint: 'Send less, or raise maxRequestBytes of plugins/async-jobs.', retry: 'never', openaiCode: 'request_too_large' },
  JOB_KEY_REUSED: { status: 422, message: 'This Idempotency-Key was used with another body.', retry: 'never', openaiCode: 'idempotency_key_reused' },
  JOB_WEBHOOK: { status: 400, message: 'There is no webhook endpoint named {name}.', retry: 'never', openaiCode: 'unknown_webhook' },

  STORE_UNAVAILABLE: { status: 503, message: 'The store is not available: {reason}.', retry: 'never', openaiCode: 'store_unavailable' },
  STORE_CONFLICT: { status: 412, message: 'The {entity} was changed by someone else.', hint: 'Read it again and repeat with its new ETag.', retry: 'never', openaiCode: 'conflict' },
  STORE_UNKNOWN: { status: 404, message: 'There is no {entity} {id}.', retry: 'never', openaiCode: 'not_found' },
  STORE_TAKEN: { status: 409, message: 'A {entity} has this {member} already.', hint: 'Choose another.', retry: 'never', openaiCode: 'taken' },
  STORE_NAMED: { status: 409, message: 'The {entity} {id} is still named by {by}.', hint: 'Change or delete that first.', retry: 'never', openaiCode: 'still_named' },
  STORE_DANGLING: { status: 409, message: 'There is no {entity} {id} any more, which was to be named.', retry: 'never', openaiCode: 'conflict' },
  STORE_DECLARED: { status: 409, message: 'The {entity} {id} is declared in the config file, which wins.', hint: 'Change it there.', retry: 'never', openaiCode: 'declared_in_config' },

  CLIENT_GONE: { status: 499, message: 'The client left before the answer was complete.', retry: 'never', openaiCode: 'client_gone' },

  BUG: { status: 500, message: 'The gateway failed: {reason}.', hint: 'Please report this with the request id.', retry: 'never', openaiCode: 'internal_error' },
} as const satisfies Record<string, ErrorSpec>;

export type Code = keyof typeof specs;

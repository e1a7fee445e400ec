import { lowerName, type RequestHeaders } from '../../plugin-sdk/index.ts';

/** Headers that describe the connection, the client's program or its trace; no answer depends on them. */
const transport = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'anthropic-dangerous-direct-browser-access',
  'baggage',
  'b3',
  'cache-control',
  'cdn-loop',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'dnt',
  'expect',
  'forwarded',
  'from',
  'host',
  'idempotency-key',
  'keep-alive',
  'origin',
  'pragma',
  'priority',
  'proxy-connection',
  'referer',
  'sentry-trace',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'upgrade-insecure-requests',
  'user-agent',
  'uber-trace-id',
  'via',
  'x-amzn-trace-id',
  'x-app',
  'x-client-request-id',
  'x-cloud-trace-context',
  'x-correlation-id',
  'x-goog-api-client',
  'x-real-ip',
  'x-request-id',
  'x-requested-with',
  'x-model-provider',
  'x-bf-model-provider',
  // Credentials: they are the scope's matter.
  'authorization',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
  'proxy-authorization',
  'ocp-apim-subscription-key',
]);
const transportPrefixes = [
  'x-stainless-',
  'x-forwarded-',
  'x-b3-',
  'x-datadog-',
  'x-envoy-',
  'cf-',
  'sec-',
  'access-control-',
];
/** Of the gateway's own headers, those that change what is asked or where. */
const ownThatMatter = new Set(['x-bf-azure-endpoint', 'x-bf-strict']);

/** The headers that may change an answer, sorted: whatever goes upstream and is not known to be harmless. */
export function answerHeaders(headers: RequestHeaders, ignored: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  const { flat } = headers;
  for (let i = 0; i < flat.length; i += 2) {
    const name = lowerName(flat[i]!);
    if (transport.has(name) || ignored.has(name)) continue;
    const matters = name.startsWith('x-bf-')
      ? name.startsWith('x-bf-eh-') || ownThatMatter.has(name)
      : !transportPrefixes.some((prefix) => name.startsWith(prefix));
    if (matters) kept.push(`${name}: ${flat[i + 1]!}`);
  }
  return kept.sort();
}

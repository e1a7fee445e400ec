import type { GatewayError } from '../plugin-sdk/index.ts';

/** What a failure says in headers, beside a body of JSON: which methods there are, and when or whether to come again. */
export function errorHeaders({ code, fields, retryAfterMs, clientMayRetry }: GatewayError): [string, string][] {
  const headers: [string, string][] = [['content-type', 'application/json']];
  if (code === 'REQ_METHOD') headers.push(['allow', String(fields['allowed']).replaceAll(' or ', ', ')]);
  if (retryAfterMs !== undefined) headers.push(['retry-after', String(Math.ceil(retryAfterMs / 1_000))]);
  if (clientMayRetry !== undefined) headers.push(['x-should-retry', String(clientMayRetry)]);
  return headers;
}

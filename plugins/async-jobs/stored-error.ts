import { type Code, GatewayError, getHeader } from '../../plugin-sdk/index.ts';
import type { JobResult } from '../../plugin-sdk/ports/jobs.ts';

/** Marks a result that is the gateway's own failure: kept as data and written in the dialect of whoever asks. */
const mediaType = 'application/x-bifrost-error+json';

/** A failure as a result that can be stored. */
export function storedError(error: GatewayError): JobResult {
  const { code, fields, status, clientMayRetry } = error;
  const body = Buffer.from(JSON.stringify({ code, fields, status }));
  const headers = ['content-type', mediaType];
  if (clientMayRetry !== undefined) headers.push('x-should-retry', String(clientMayRetry));
  return { state: 'failed', status, headers, body };
}

/** The failure in a result; `undefined` when the result is a reply. */
export function errorOf(result: JobResult): GatewayError | undefined {
  if (getHeader(result.headers, 'content-type') !== mediaType) return undefined;
  const { code, fields, status } = JSON.parse(result.body.toString('utf8'));
  return new GatewayError(code as Code, fields, { status, ...(result.freesKey !== true && { clientMayRetry: false }) });
}

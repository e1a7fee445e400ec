import { createHash } from 'node:crypto';
import type { JobRequest } from '../../plugin-sdk/ports/jobs.ts';

/**
 * What makes two requests the same one for an Idempotency-Key: method, path, query and body. SDKs choose a new multipart
 * boundary for each try of the same call, so the boundary does not count.
 */
export function fingerprint(
  request: Pick<JobRequest, 'method' | 'path' | 'body'>,
  query: string,
  contentType: string | undefined,
): string {
  const hash = createHash('sha256').update(`${request.method} ${request.path}${query}\n`);
  const boundary = /^multipart\/.*boundary="?([^";]+)"?/i.exec(contentType ?? '')?.[1];
  if (boundary === undefined) hash.update(request.body);
  else for (const part of split(request.body, Buffer.from(boundary))) hash.update(part).update('\n--\n');
  return hash.digest('hex');
}

function* split(bytes: Buffer, boundary: Buffer): Generator<Buffer> {
  let from = 0;
  for (let at = bytes.indexOf(boundary); at >= 0; at = bytes.indexOf(boundary, from)) {
    yield bytes.subarray(from, at);
    from = at + boundary.length;
  }
  yield bytes.subarray(from);
}

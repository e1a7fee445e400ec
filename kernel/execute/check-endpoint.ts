import { type Endpoint, GatewayError } from '../../plugin-sdk/index.ts';

/** What may not stand in a request line: controls, spaces, a fragment, a backslash. */
const unsafe = /[^\x21-\x7e]|[#\\]/;

/**
 * Asserts that a path which a client wrote cannot lead to another host than the one that the provider named.
 * Throws GatewayError REQ_BAD_PATH.
 */
export function checkEndpoint({ origin, path }: Endpoint): void {
  const mark = path.indexOf('?');
  const isSafe =
    path[0] === '/' &&
    path[1] !== '/' &&
    !unsafe.test(mark < 0 ? path : path.slice(0, mark)) &&
    !/[^\x21-\x7e\x80-\xff]|#/.test(path);
  if (!isSafe || new URL(path, origin).origin !== new URL(origin).origin) {
    throw new GatewayError('REQ_BAD_PATH', { reason: 'it does not stay at the provider' });
  }
}

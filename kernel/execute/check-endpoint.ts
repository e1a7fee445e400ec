import { type Endpoint, GatewayError } from '../../plugin-sdk/index.ts';

/** One slash, then neither a second nor a backslash, which a URL parser takes for one: nothing that could name a host. */
const pathStart = /^\/(?![/\\])/;
/** What may not stand in a request line: controls, spaces, a fragment; in a path a backslash besides. */
const unsafe = /[^\x21-\x7e\x80-\xff]|#/;
const unsafePath = /^[^?]*(?:\\|[^\x21-\x7e])/;

/**
 * Asserts, before a connection is made, that a path which a client wrote cannot lead to another host than the one that
 * the provider named. Throws GatewayError REQ_BAD_PATH.
 */
export function checkEndpoint({ path }: Endpoint): void {
  if (!pathStart.test(path) || unsafe.test(path) || unsafePath.test(path)) {
    throw new GatewayError('REQ_BAD_PATH', { reason: 'it does not stay at the provider' });
  }
}

import { GatewayError } from '../../plugin-sdk/index.ts';

export interface AllowedEndpoint {
  /** Scheme, host and port. */
  readonly origin: string;
  /** The config names this very host, so it may lie in a private network. */
  readonly configured: boolean;
}

/**
 * Checks the endpoint that a caller names. Allowed are origins that the config names itself and hosts that a pattern
 * matches; a pattern with `*` never opens a private address. Throws GatewayError GUARD_HOST.
 */
export function allowedEndpoint(
  text: string,
  patterns: readonly string[],
  configured: ReadonlySet<string>,
): AllowedEndpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw refused(text, 'it is no URL of a host');
  if (
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== '' ||
    !/^\/+$/.test(url.pathname)
  ) {
    throw refused(url.host, 'an endpoint is a scheme and a host, nothing more');
  }
  const { origin } = url;
  if (configured.has(origin)) return { origin, configured: true };
  const pattern = patterns.find((candidate) => matches(candidate, url));
  if (pattern === undefined) throw refused(url.host, 'it is not among the endpoints that the config allows');
  return { origin, configured: !pattern.includes('*') };
}

function matches(pattern: string, url: URL): boolean {
  const [, scheme = 'https:', host = '', port = ''] =
    /^(?:(https?:)\/\/)?([^:]+)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? [];
  if (url.protocol !== scheme || url.port !== port) return false;
  // `URL` has folded case, dots and number forms of the host already.
  return host.startsWith('*.')
    ? url.hostname.endsWith(host.slice(1)) && url.hostname.length >= host.length
    : url.hostname === host;
}

function refused(host: string, reason: string): GatewayError {
  return new GatewayError('GUARD_HOST', { host: host.slice(0, 200), reason }, { param: 'x-bf-azure-endpoint' });
}

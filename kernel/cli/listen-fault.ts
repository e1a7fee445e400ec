import { isIPv6 } from 'node:net';
import { GatewayError } from '../../plugin-sdk/index.ts';
import type { Config } from '../config/config.ts';

/** What the system says of an address that it does not listen on, by its code. */
const reasons: ReadonlyMap<string | undefined, string> = new Map([
  ['EADDRINUSE', 'something listens there already'],
  ['EACCES', 'that needs more rights'],
  ['EADDRNOTAVAIL', 'the machine has no such address'],
  ['EAFNOSUPPORT', 'the machine knows no addresses of that kind, such as IPv6'],
  ['EINVAL', 'the address needs the network interface behind it, as in fe80::1%eth0, or is none to listen on'],
  ['ENOTFOUND', 'no address is known by that name'],
  ['EAI_AGAIN', 'nobody can say now which address has that name'],
]);

/** Turns an address that cannot be listened on into a problem that says which setting to change (CFG_INVALID); any other failure stays what it is. */
export function listenFault(cause: unknown, { host, port }: Pick<Config['server'], 'host' | 'port'>): unknown {
  const reason = reasons.get((cause as NodeJS.ErrnoException).code);
  if (reason === undefined) return cause;
  const address = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const report = `Cannot listen on ${address}: ${reason}. Choose another with --port or --host (server.port, server.host in the config).`;
  return new GatewayError('CFG_INVALID', { report }, { cause });
}

import { isIPv6 } from 'node:net';
import { GatewayError } from '../../plugin-sdk/index.ts';
import type { Generation } from '../generation.ts';

/** Refuses a host with a port or brackets, which no name or address has. Throws GatewayError CFG_INVALID. */
export function refuseHostWithPort(host: string): void {
  if (!host.includes(':') || isIPv6(host)) return;
  const report = `Cannot listen on ${host}: that is no host. Give --host or server.host an address or a name alone, IPv6 without brackets; a port goes into --port or server.port.`;
  throw new GatewayError('CFG_INVALID', { report });
}

/** A gateway that anyone on the network can use spends its owner's money. Throws GatewayError CFG_INVALID. */
export function refusePublicWithoutIdentity({ plugins }: Generation, host: string, insecure: boolean): void {
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.');
  const isGoverned = plugins.some(
    ({ definition, options }) =>
      definition.provides?.includes('identity') && (options as { required?: boolean }).required === true,
  );
  if (isLocal || insecure || isGoverned) return;
  const report = `Refusing to listen on ${host} without identity: set "required": true at plugins/governance, or start with --insecure.`;
  throw new GatewayError('CFG_INVALID', { report });
}

import { BlockList, isIP, type LookupFunction } from 'node:net';
import { GatewayError } from '../../plugin-sdk/index.ts';
import { addressesOf, giveAddresses } from './lookup.ts';

/** Addresses that no caller may make the gateway connect to: private, loopback, link-local, shared, multicast, reserved. */
const internal = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  internal.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
  ['2001:db8::', 32],
] as const) {
  internal.addSubnet(network, prefix, 'ipv6');
}

/** IPv6 forms that carry an IPv4 address: compatible, mapped, NAT64 and 6to4. The address inside decides. */
const wrapped = (
  [
    ['::', 96, 6],
    ['::ffff:0:0', 96, 6],
    ['64:ff9b::', 96, 6],
    ['64:ff9b:1::', 48, 6],
    ['2002::', 16, 1],
  ] as const
).map(([network, prefix, group]) => {
  const range = new BlockList();
  range.addSubnet(network, prefix, 'ipv6');
  return { range, group };
});

/** True for an address that lies inside a network rather than on the public internet. */
export function isInternal(address: string): boolean {
  if (isIP(address) === 4) return internal.check(address, 'ipv4');
  if (isIP(address) !== 6) return true;
  for (const { range, group } of wrapped) {
    if (range.check(address, 'ipv6')) return internal.check(embedded(address, group), 'ipv4');
  }
  return internal.check(address, 'ipv6');
}

/** The IPv4 address in two 16-bit groups of an IPv6 address. */
function embedded(address: string, group: number): string {
  const { hostname } = new URL(`http://[${address}]`);
  const [left = '', right = ''] = hostname.slice(1, -1).split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === '' ? [] : right.split(':');
  const groups = hostname.includes('::') ? [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail] : head;
  const bits = (Number.parseInt(groups[group] ?? '0', 16) << 16) | Number.parseInt(groups[group + 1] ?? '0', 16);
  return [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join('.');
}

/** Refuses a host that is written as an internal address. Names are checked when they are resolved. */
export function checkHost(host: string): void {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0 && isInternal(bare)) throw refusal(bare);
}

/**
 * Resolves a name for a connection and refuses internal addresses, so that neither a name that points inside nor one
 * that changes its answer after a check gets through: the address checked is the address connected to.
 */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  addressesOf(hostname, options, (error, found) => {
    if (error !== null) return callback(error, '', 4);
    const bad = found.find(({ address }) => isInternal(address));
    if (bad !== undefined) return callback(refusal(hostname), '', 4);
    giveAddresses(found, options, callback);
  });
};

function refusal(host: string): GatewayError {
  const reason = 'it is an internal address, and the config of the provider does not name one';
  return new GatewayError('GUARD_HOST', { host, reason });
}

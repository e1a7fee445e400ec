import { type LookupAddress, type LookupOptions, lookup as lookUp } from 'node:dns';
import type { LookupFunction } from 'node:net';

type Answer = (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void;
type Callback = Parameters<LookupFunction>[2];

/** Who waits for the addresses of a name. */
const waiting = new Map<string, Answer[]>();

/**
 * The addresses of a name, for which the system is asked once at a time. It answers on one of four threads, which files and
 * compression need as well: calls to a name whose server is silent would hold them all, and every other call with them.
 */
export function addressesOf(hostname: string, options: LookupOptions, answer: Answer): void {
  const question = `${hostname} ${options.family ?? 0} ${options.hints ?? 0}`;
  const others = waiting.get(question);
  if (others !== undefined) {
    others.push(answer);
    return;
  }
  const all = [answer];
  waiting.set(question, all);
  lookUp(hostname, { ...options, all: true }, (error, found) => {
    waiting.delete(question);
    for (const each of all) each(error, found);
  });
}

/** Resolves a name for a connection to wherever it points. */
export const plainLookup: LookupFunction = (hostname, options, callback) => {
  addressesOf(hostname, options, (error, found) => {
    if (error !== null) callback(error, '', 4);
    else giveAddresses(found, options, callback);
  });
};

/** Answers a socket, which wants all addresses or one. */
export function giveAddresses(found: LookupAddress[], options: LookupOptions, callback: Callback): void {
  if (options.all === true) (callback as unknown as (error: null, all: LookupAddress[]) => void)(null, found);
  else callback(null, found[0]!.address, found[0]!.family);
}

import { createHash } from 'node:crypto';
import { type Caller, callerSlot, type Exchange } from '../../plugin-sdk/index.ts';

/** Headers that carry a credential, in the order in which they are asked. */
const credentialHeaders = ['x-bf-vk', 'authorization', 'x-api-key', 'x-goog-api-key', 'api-key'];

/** Who owns jobs when nobody identifies callers and this one sends no credential. */
export const anonymousOwner = 'anonymous';

/** Whose jobs this caller may make and see: the identified caller's, or those of a hash of the credential sent. */
export function ownerOf(exchange: Exchange): string {
  const caller = exchange.get(callerSlot);
  if (caller !== undefined) return caller.kind === 'anonymous' ? anonymousOwner : ownerOfCaller(caller);
  const { headers } = exchange.request;
  for (const name of credentialHeaders) {
    const value = headers.get(name);
    if (value !== undefined && value !== '') return hashed(value.replace(/^Bearer\s+/i, ''));
  }
  const key = exchange.request.queryValue('key');
  return key === undefined ? anonymousOwner : hashed(key);
}

function ownerOfCaller({ kind, id }: Caller): string {
  return id.length <= 200 ? `${kind} ${id}` : `${kind} ${digest(id)}`;
}

function hashed(credential: string): string {
  return `credential credential:${digest(credential)}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

import { hash } from 'node:crypto';
import { type Caller, callerSlot, type Exchange, keyFilterSlot } from '../../plugin-sdk/index.ts';
import type { CacheOptions } from './options.ts';

/** Headers that may carry a credential, be it the gateway's or a provider's. */
const credentialHeaders = ['authorization', 'api-key', 'x-api-key', 'x-goog-api-key', 'x-bf-api-key', 'x-bf-vk'];
const ownPrefix = /^(Bearer\s+)?sk-bf-/i;
const maxLength = 120;

/**
 * Whose answers an exchange may get, and who may get its answer: the caller's with the credentials that it brings,
 * unless the operator shares more widely. Never a credential itself.
 */
export function scopeOf(exchange: Exchange, share: CacheOptions['share']): string {
  const caller = exchange.get(callerSlot);
  const shared = sharedScope(caller, share);
  if (shared !== undefined) {
    // A caller that only some provider keys serve may see what only those answer.
    return exchange.get(keyFilterSlot) === undefined ? shared : `${shared} ${ownScope(caller, exchange)}`;
  }
  return ownScope(caller, exchange);
}

function sharedScope(caller: Caller | undefined, share: CacheOptions['share']): string | undefined {
  if (share === 'everyone') return 'everyone';
  if (share === 'team' && caller?.team !== undefined) return `team ${short(caller.team)}`;
  if (share !== 'caller' && caller?.customer !== undefined) return `customer ${short(caller.customer)}`;
  return undefined;
}

function ownScope(caller: Caller | undefined, exchange: Exchange): string {
  const credentials = credentialsOf(exchange, caller?.kind === 'token');
  const who = caller === undefined ? 'credential' : `${caller.kind} ${short(caller.id)}`;
  return credentials === '' ? (caller === undefined ? 'anonymous' : who) : `${who} ${digest(credentials)}`;
}

/** What was sent besides the caller's own virtual key or token: a provider key of the caller's, perhaps. */
function credentialsOf({ request }: Exchange, skipAuthorization: boolean): string {
  const found: string[] = [];
  for (const name of credentialHeaders) {
    const value = skipAuthorization && name === 'authorization' ? undefined : request.headers.get(name);
    if (value !== undefined && !ownPrefix.test(value)) found.push(name, value);
  }
  const key = request.queryValue('key');
  if (key !== undefined && !ownPrefix.test(key)) found.push('key', key);
  return found.length === 0 ? '' : JSON.stringify(found);
}

function short(id: string): string {
  return id.length <= maxLength ? id : digest(id);
}

function digest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

import type { GatewayRequest } from '../../plugin-sdk/index.ts';

const virtualKeyPrefix = /^sk-bf-/i;

/** What a request says about who sends it. */
export interface Credentials {
  /** From `x-bf-vk` in any form, or from another place when it starts with `sk-bf-`. */
  readonly virtualKey: string | undefined;
  /** The first other credential: a provider key of the caller's own, or a token. */
  readonly other: string | undefined;
}

/**
 * Reads `x-bf-vk`, `Authorization: Bearer`, `x-api-key`, `x-goog-api-key`, `api-key` and `?key=`, in this order.
 * A virtual key may stand beside a provider key: the call is then governed and paid by the caller's own key.
 */
export function credentialsOf({ headers, query }: GatewayRequest): Credentials {
  const named = headers.get('x-bf-vk')?.trim();
  let virtualKey = named === '' ? undefined : named;
  let other: string | undefined;
  const take = (value: string | undefined): void => {
    if (value === undefined || value === '') return;
    if (virtualKeyPrefix.test(value)) virtualKey ??= value;
    else other ??= value;
  };
  take(bearer(headers.get('authorization')));
  take(headers.get('x-api-key'));
  take(headers.get('x-goog-api-key'));
  take(headers.get('api-key'));
  if (query.includes('key=')) take(new URLSearchParams(query).get('key') ?? undefined);
  return { virtualKey, other };
}

/** The credential of an `Authorization` header, with or without its scheme. */
function bearer(value: string | undefined): string | undefined {
  return value === undefined ? undefined : /^Bearer\s+/i.test(value) ? value.replace(/^Bearer\s+/i, '') : value;
}

/** The query without a virtual key in `key`, so that it does not travel on; the same text when there is none. */
export function withoutVirtualKey(query: string): string {
  if (!/[?&]key=sk-bf-/i.test(query)) return query;
  const rest = query
    .slice(1)
    .split('&')
    .filter((part) => !/^key=sk-bf-/i.test(part));
  return rest.length === 0 ? '' : `?${rest.join('&')}`;
}

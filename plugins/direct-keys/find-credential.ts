import type { RequestHeaders } from '../../plugin-sdk/index.ts';

/** Headers in which SDKs send a provider key, first wins. */
const places = ['authorization', 'api-key', 'x-api-key', 'x-goog-api-key'] as const;

/** Virtual keys and admin tokens are the gateway's own: they are never sent to anyone. */
const ownPrefix = /^(sk-bf-|bfa_)/i;

export interface Credential {
  /** Header that it came in. */
  readonly header: (typeof places)[number];
  readonly text: string;
}

/**
 * The caller's own provider key; placeholders, virtual keys and admin tokens are passed over, so that a real key in a
 * later header counts. `skipBearer`: the `Authorization` header was the caller's identity, which is not the provider's.
 */
export function findCredential(
  headers: RequestHeaders,
  placeholders: ReadonlySet<string>,
  skipBearer: boolean,
): Credential | undefined {
  for (const header of places) {
    if (skipBearer && header === 'authorization') continue;
    const text = headers
      .get(header)
      ?.replace(/^Bearer(\s+|$)/i, '')
      .trim();
    if (text === undefined || placeholders.has(text.toLowerCase()) || ownPrefix.test(text)) continue;
    // A key is one word; anything else (`Basic …`, a list) is another kind of credential.
    if (!/^[\x21-\x7e]+$/.test(text)) continue;
    return { header, text };
  }
  return undefined;
}

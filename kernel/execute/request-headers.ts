import { isForeignHeader } from '../../plugin-sdk/dialects/foreign-headers.ts';
import { type DialectId, lowerName, type OutgoingHeaders, type RequestHeaders } from '../../plugin-sdk/index.ts';

/**
 * Request headers that are never forwarded: hop-by-hop ones (RFC 9110 section 7.6.1), those that the sender writes itself,
 * and every form in which a client sends a credential.
 */
const dropped = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'expect',
  'authorization',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
  'proxy-authorization',
  'proxy-authenticate',
  'ocp-apim-subscription-key',
  'cookie',
  'set-cookie',
  // The gateway's own word for the provider of a call without a model.
  'x-model-provider',
]);

/** Names that `x-bf-eh-NAME` may not set. */
const notExtra = (name: string): boolean => dropped.has(name) || name.startsWith('x-bf-') || name.startsWith(':');

/**
 * The headers that go upstream: the client's without what must stay here, then `x-bf-eh-*` without their prefix, then
 * the provider's own, which win.
 *
 * `withheld`: lower-case names that this provider takes from the gateway alone.
 *
 * `keepEncoding`: passthrough lets the client and the provider agree on compression. On other routes the gateway has
 * decoded the body and reads the reply, so none is declared and none asked for.
 *
 * `translatedTo`: the format of a call that was translated, which other formats' headers do not concern.
 */
export function forwardedHeaders(
  client: RequestHeaders,
  own: OutgoingHeaders,
  keepEncoding: boolean,
  withheld: readonly string[] = [],
  translatedTo?: DialectId,
): OutgoingHeaders {
  const mine = new Set(withheld);
  for (let i = 0; i < own.length; i += 2) mine.add(lowerName(own[i] as string));
  const named = connectionNamed(client);
  const headers: OutgoingHeaders = [];
  const { flat } = client;
  for (let i = 0; i < flat.length; i += 2) {
    const name = client.names[i / 2]!;
    if (dropped.has(name) || mine.has(name) || named?.includes(name)) continue;
    if ((name === 'accept-encoding' || name === 'content-encoding') && !keepEncoding) continue;
    if (translatedTo !== undefined && isForeignHeader(name, translatedTo)) continue;
    if (name.startsWith('x-bf-')) {
      const extra = name.startsWith('x-bf-eh-') ? name.slice('x-bf-eh-'.length) : '';
      if (extra !== '' && !notExtra(extra) && !mine.has(extra)) headers.push(extra, flat[i + 1]!);
      continue;
    }
    headers.push(flat[i]!, flat[i + 1]!);
  }
  for (const part of own) headers.push(part);
  return headers;
}

/** Headers that the client's `connection` header declares hop-by-hop. */
function connectionNamed(client: RequestHeaders): string[] | undefined {
  const value = client.get('connection');
  if (value === undefined || value.length < 6 || /^keep-alive$/i.test(value)) return undefined;
  return value.toLowerCase().split(/\s*,\s*/);
}

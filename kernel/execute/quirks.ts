import { BytesBody, GatewayError, type JsonObject, type Provider, type ReplyQuirks } from '../../plugin-sdk/index.ts';
import { searchFor } from '../../plugin-sdk/json-bytes/index.ts';

/** What a provider's quirks make of a JSON reply: a failure's status, other bytes, or nothing. */
export function fixReply(
  provider: Provider,
  whole: Buffer,
  type: string,
): { readonly status?: number; readonly bytes?: Buffer } | undefined {
  const { quirks } = provider;
  if (quirks === undefined || !type.includes('json') || !mayConcern(quirks, whole)) return undefined;
  let json: JsonObject;
  try {
    json = new BytesBody(whole, 'application/json').json();
  } catch {
    throw new GatewayError('UP_BAD_BODY', { provider: provider.name, reason: 'it is not valid JSON' });
  }
  const status = quirks.errorIn200?.(json);
  if (status !== undefined) return { status };
  const fixed = quirks.json?.(json, 'reply');
  return fixed === undefined ? undefined : { bytes: Buffer.from(JSON.stringify(fixed)) };
}

/** The body of a provider's failure in the exact shape of its dialect; as it came where it is no JSON. */
export function fixError(provider: Provider, body: Buffer): Buffer {
  const fix = provider.quirks?.json;
  if (fix === undefined) return body;
  let json: JsonObject;
  try {
    json = JSON.parse(body.toString('utf8')) as JsonObject;
  } catch {
    return body;
  }
  const fixed = fix(json, 'error');
  return fixed === undefined ? body : Buffer.from(JSON.stringify(fixed));
}

/** False when nothing in these bytes can be what the quirks change. */
export function mayConcern({ needles }: ReplyQuirks, bytes: Buffer): boolean {
  return needles === undefined || searchFor(needles).test(bytes.toString('latin1'));
}

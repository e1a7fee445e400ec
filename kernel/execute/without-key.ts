import { type Key, Secret } from '../../plugin-sdk/index.ts';

/**
 * A failure in the provider's words without the key that it was called with: Google names a suspended key in full
 * (`Consumer 'api_key:…' has been suspended`). The same bytes when no secret of the key is in them.
 */
export function withoutKey(bytes: Buffer, { value, settings }: Key): Buffer {
  const text = bytes.toString('latin1');
  const secrets = [value, ...Object.values(settings)].filter((part) => part instanceof Secret);
  const hidden = secrets.reduce((left, secret) => secret.hideIn(left), text);
  return hidden === text ? bytes : Buffer.from(hidden, 'latin1');
}

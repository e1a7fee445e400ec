import { embeddingsAsBase64 } from '../../plugin-sdk/index.ts';
import type { LiveExchange } from '../exchange.ts';

/**
 * The reply to an embeddings call that asked for base64 and got numbers, as several providers give whatever is asked: an
 * older OpenAI SDK would read empty vectors from it, without an error. Undefined when there is nothing to do.
 */
export function withWantedEncoding(exchange: LiveExchange, whole: Buffer): Buffer | undefined {
  if (exchange.operation !== 'embeddings' || !mayHaveNumbers(whole) || !wantsBase64(exchange)) return undefined;
  const encoded = embeddingsAsBase64(whole);
  return encoded === undefined ? undefined : Buffer.from(JSON.stringify(encoded));
}

/** True for an embeddings call that asks for base64, whose reply has to be looked at whole. */
export function wantsBase64({ operation, request: { body } }: LiveExchange): boolean {
  if (operation !== 'embeddings' || body.kind !== 'bytes' || !body.isJson) return false;
  return body.json()['encoding_format'] === 'base64';
}

function mayHaveNumbers(whole: Buffer): boolean {
  const at = whole.indexOf('"embedding":');
  return at >= 0 && /^\s*\[/.test(whole.toString('latin1', at + 12, at + 32));
}

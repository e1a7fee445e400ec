import type { Usage } from './conversation/index.ts';
import { GatewayError } from './errors.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import type { AdaptedResult, Call } from './provider.ts';

/** An OpenAI embeddings request, as far as providers of other formats can serve it. */
export interface EmbeddingsRequest {
  readonly texts: readonly string[];
  readonly dimensions: number | undefined;
}

/** Fields that are read here or mean nothing to the vectors. */
const understood = new Set(['model', 'input', 'dimensions', 'encoding_format', 'user']);

/**
 * Reads an OpenAI embeddings request. `extensions` names further fields that the provider takes as its own; every other
 * one is lost. Throws GatewayError REQ_INVALID for token ids, which only OpenAI's own tokenizer can read back.
 */
export function readEmbeddingsRequest(
  body: JsonObject,
  lost: (path: string) => void,
  extensions: readonly string[] = [],
): EmbeddingsRequest {
  const { input, dimensions } = body;
  const texts = typeof input === 'string' ? [input] : input;
  if (!Array.isArray(texts) || texts.length === 0 || !texts.every((text) => typeof text === 'string')) {
    const reason = 'input must be a string or a list of strings; this provider does not take token ids.';
    throw new GatewayError('REQ_INVALID', { reason }, { param: 'input' });
  }
  for (const field of Object.keys(body)) {
    if (!understood.has(field) && !extensions.includes(field) && body[field] !== null) lost(field);
  }
  return { texts, dimensions: typeof dimensions === 'number' ? dimensions : undefined };
}

/** The texts in lists of at most `size`, for providers that limit a call. */
export function inBatches<T>(items: readonly T[], size: number): T[][] {
  const batches: T[][] = [];
  for (let at = 0; at < items.length; at += size) batches.push(items.slice(at, at + size));
  return batches;
}

/**
 * An OpenAI embeddings reply. Vectors become base64 of little-endian 32-bit floats when the client asks for it, which
 * the OpenAI SDKs do unless told otherwise. Throws GatewayError UP_BAD_BODY when a vector is missing.
 */
export function embeddingsReply(
  vectors: readonly (JsonValue | undefined)[],
  inputTokens: number,
  body: JsonObject,
  call: Call,
): AdaptedResult {
  const asBase64 = body['encoding_format'] === 'base64';
  const data = vectors.map((vector, index): JsonObject => {
    if (!Array.isArray(vector)) {
      throw new GatewayError('UP_BAD_BODY', {
        provider: 'The provider',
        reason: `there is no vector for input ${index}`,
      });
    }
    return { object: 'embedding', index, embedding: asBase64 ? toBase64(vector as number[]) : vector };
  });
  const usage: Usage = { input: inputTokens, output: 0 };
  const model = call.exchange.model ?? call.model;
  return {
    json: { object: 'list', data, model, usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } },
    usage,
  };
}

/** An OpenAI embeddings reply with every list of numbers as base64; undefined when it has none or is no such reply. */
export function embeddingsAsBase64(whole: Buffer): JsonObject | undefined {
  let json: unknown;
  try {
    json = JSON.parse(whole.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isObject(json) || !Array.isArray(json['data'])) return undefined;
  const data = json['data'].map((entry) => {
    const vector = isObject(entry) ? entry['embedding'] : undefined;
    const isVector = Array.isArray(vector) && vector.every((value) => typeof value === 'number');
    return isVector ? { ...(entry as JsonObject), embedding: toBase64(vector as number[]) } : entry;
  });
  return { ...json, data };
}

function toBase64(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString('base64');
}

import type { ToolCallBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject } from '../../json.ts';
import type { FieldReader } from './field-reader.ts';

/**
 * A proof on a tool call travels through OpenAI clients in `extra_content`, in the form that Google's own OpenAI layer
 * uses: `extra_content.google.thought_signature`. Proofs of other makers lie beside it under the maker's name.
 */
export function decodeProof(reader: FieldReader): { signature?: string; maker?: string } {
  const extra = reader.peek('extra_content');
  if (!isObject(extra) || Object.keys(extra).length !== 1) return {};
  const maker = Object.keys(extra)[0]!;
  const held = extra[maker];
  if (!isObject(held) || Object.keys(held).length !== 1) return {};
  const signature = held[signatureKey(maker)];
  if (typeof signature !== 'string') return {};
  reader.understood('extra_content');
  return { signature, maker };
}

export function encodeProof({ signature, maker = 'google' }: Pick<ToolCallBlock, 'signature' | 'maker'>): JsonObject {
  return signature === undefined ? {} : { extra_content: { [maker]: { [signatureKey(maker)]: signature } } };
}

function signatureKey(maker: string): string {
  return maker === 'google' ? 'thought_signature' : 'signature';
}

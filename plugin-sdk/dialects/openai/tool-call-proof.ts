import type { ToolCallBlock } from '../../conversation/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../json.ts';
import type { FieldReader } from './field-reader.ts';

/**
 * A proof on a tool call travels through OpenAI clients in `extra_content`, in the form that Google's own OpenAI layer
 * uses: `extra_content.google.thought_signature`. Proofs of other makers lie beside it under the maker's name.
 */
export function decodeProof(reader: FieldReader): { signature?: string; maker?: string } {
  const proof = proofIn(reader.peek('extra_content'));
  if (proof === undefined) return {};
  reader.understood('extra_content');
  return proof;
}

/** Whose proof an `extra_content` is; undefined for anything else. */
export function makerOfProof(extra: JsonValue | undefined): string | undefined {
  return proofIn(extra)?.maker;
}

function proofIn(extra: JsonValue | undefined): { signature: string; maker: string } | undefined {
  if (!isObject(extra) || Object.keys(extra).length !== 1) return undefined;
  const maker = Object.keys(extra)[0]!;
  const held = extra[maker];
  if (!isObject(held) || Object.keys(held).length !== 1) return undefined;
  const signature = held[signatureKey(maker)];
  return typeof signature === 'string' ? { signature, maker } : undefined;
}

export function encodeProof({ signature, maker = 'google' }: Pick<ToolCallBlock, 'signature' | 'maker'>): JsonObject {
  return signature === undefined ? {} : { extra_content: { [maker]: { [signatureKey(maker)]: signature } } };
}

function signatureKey(maker: string): string {
  return maker === 'google' ? 'thought_signature' : 'signature';
}

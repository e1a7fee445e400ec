import type { ReasoningBlock } from '../../conversation/index.ts';
import { isObject, type JsonValue } from '../../json.ts';
import { present } from '../present.ts';

type Proof = Pick<ReasoningBlock, 'maker' | 'signature' | 'encrypted'>;

const prefix = 'bifrost.';

/** Makers whose proofs are what `encrypted_content` is for. */
export function isNativeMaker(maker: string | undefined): boolean {
  return maker === undefined || maker === 'openai' || maker === 'azure';
}

/**
 * `encrypted_content` of a reasoning item. A proof of another maker travels through the client in it, sealed with its
 * maker's name, so that it finds the way home.
 */
export function encryptedContent({ maker, signature, encrypted }: Proof): string | undefined {
  if (signature === undefined && encrypted === undefined) return undefined;
  if (isNativeMaker(maker) && signature === undefined) return encrypted;
  const proof = JSON.stringify(present({ maker, signature, encrypted }));
  return prefix + Buffer.from(proof).toString('base64url');
}

/** The proof inside; of plain encrypted content, OpenAI's own. */
export function openEncryptedContent(content: string): Proof {
  const native: Proof = { maker: 'openai', encrypted: content };
  if (!content.startsWith(prefix)) return native;
  try {
    const value = JSON.parse(Buffer.from(content.slice(prefix.length), 'base64url').toString()) as JsonValue;
    return isObject(value)
      ? present({
          maker: text(value['maker']),
          signature: text(value['signature']),
          encrypted: text(value['encrypted']),
        })
      : native;
  } catch {
    return native;
  }
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

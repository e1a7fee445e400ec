import type { ReasoningBlock } from '../conversation/index.ts';
import { isObject, type JsonValue } from '../json.ts';
import { present } from './present.ts';

/**
 * A proof of another maker (an OpenAI `encrypted_content`, a Google thought signature) on its way through a client of
 * Anthropic's or Google's format. It travels as an opaque signature, which clients send back untouched, so that the
 * conversation can continue at its maker.
 */
export interface Proof {
  readonly maker: string;
  readonly id?: string;
  readonly signature?: string;
  readonly encrypted?: string;
  readonly summary?: readonly string[];
  /** The tool call that the proof belongs to; without it, it belongs to the thinking block. */
  readonly call?: string;
}

const prefix = 'bifrost.';

export function sealProof(proof: Proof): string {
  return prefix + Buffer.from(JSON.stringify(proof)).toString('base64url');
}

/** The proof inside, or `undefined` when the text is the provider's own. */
export function openProof(text: string): Proof | undefined {
  if (!text.startsWith(prefix)) return undefined;
  let value: JsonValue;
  try {
    value = JSON.parse(Buffer.from(text.slice(prefix.length), 'base64url').toString()) as JsonValue;
  } catch {
    return undefined;
  }
  if (!isObject(value) || typeof value.maker !== 'string') return undefined;
  const text_ = (key: string): string | undefined => (typeof value[key] === 'string' ? value[key] : undefined);
  const summary = Array.isArray(value.summary) ? value.summary.filter((part) => typeof part === 'string') : undefined;
  const id = text_('id');
  const signature = text_('signature');
  const encrypted = text_('encrypted');
  const call = text_('call');
  return {
    maker: value.maker,
    ...(id !== undefined && { id }),
    ...(signature !== undefined && { signature }),
    ...(encrypted !== undefined && { encrypted }),
    ...(summary !== undefined && { summary }),
    ...(call !== undefined && { call }),
  };
}

/** The thinking to which a proof belongs; `text` is what the client was shown of it. */
export function openedReasoning(proof: Proof, text: string): ReasoningBlock {
  const { maker, id, encrypted, signature, summary } = proof;
  // Of a summary the client was shown its parts as one text.
  const words = text === '' || text === summary?.join('\n\n') ? undefined : text;
  return { type: 'reasoning', ...present({ text: words, maker, id, encrypted, signature, summary }) };
}

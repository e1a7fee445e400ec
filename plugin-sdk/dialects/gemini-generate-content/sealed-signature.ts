import type { Block, ReasoningBlock } from '../../conversation/index.ts';
import { present } from '../present.ts';
import { openedReasoning, openProof, sealProof } from '../sealed-proof.ts';
import { maker } from './notes.ts';

/** What a sealed signature begins with, whatever is in it: signatures are bytes, which travel as base64. */
export const sealMark = Buffer.from('bifrost.').toString('base64').slice(0, 10);

/** The `thoughtSignature` in which a proof of another maker travels through a client of this format; undefined without one. */
export function sealedSignature(block: Omit<ReasoningBlock, 'type'>): string | undefined {
  const { maker: madeBy, signature, encrypted, id, summary } = block;
  if (madeBy === undefined || (signature === undefined && encrypted === undefined)) return undefined;
  const proof = sealProof({ maker: madeBy, ...present({ signature, encrypted, id, summary }) });
  return Buffer.from(proof).toString('base64');
}

/** The thinking that a client brings back, as its maker wrote it; undefined where the signature is Google's own. */
export function openSignature(signature: string | undefined, text: string): ReasoningBlock | undefined {
  if (signature?.startsWith(sealMark) !== true) return undefined;
  const proof = openProof(Buffer.from(signature, 'base64').toString());
  return proof === undefined ? undefined : openedReasoning(proof, text);
}

/** Blocks in which thinking of another maker is one again: a stream gave it to the client in pieces, its proof behind them. */
export function joinThinking(blocks: Block[]): Block[] {
  const joined: Block[] = [];
  for (const block of blocks) {
    if (block.type !== 'reasoning' || block.maker === maker || block.text !== undefined) {
      joined.push(block);
      continue;
    }
    const from = joined.findLastIndex((before) => !isPiece(before)) + 1;
    const text = joined
      .splice(from)
      .map((piece) => (piece as ReasoningBlock).text)
      .join('');
    joined.push(text === '' || block.summary?.join('') === text ? block : { ...block, text });
  }
  return joined;
}

function isPiece(block: Block): boolean {
  return block.type === 'reasoning' && block.maker === maker && block.signature === undefined;
}

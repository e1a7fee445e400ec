import type { Block, Conversation } from '../../plugin-sdk/index.ts';

/** Four characters make a token: wrong for every real model, and always the same. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** Tokens of a whole request: its words, its tools, and a fixed price for each piece of media. */
export function countInput(conversation: Conversation): number {
  const words = conversation.messages.map(({ blocks }) => countBlocks(blocks)).reduce((sum, count) => sum + count, 0);
  return words + (conversation.tools === undefined ? 0 : countTokens(JSON.stringify(conversation.tools)));
}

const mediaTokens = 85;

function countBlocks(blocks: readonly Block[]): number {
  return blocks.reduce((sum, block) => {
    if (block.type === 'tool-result') return sum + countBlocks(block.content);
    if ('source' in block) return sum + mediaTokens;
    return sum + countTokens(wordsOf(block));
  }, 0);
}

function wordsOf(block: Block): string {
  if (block.type === 'tool-call') return block.name + block.arguments;
  return 'text' in block ? (block.text ?? '') : '';
}

import type { Answer, Block } from './conversation/index.ts';

/** The same answer with every block of every choice changed. */
export function mapBlocks(answer: Answer, change: (block: Block) => Block): Answer {
  return {
    ...answer,
    choices: answer.choices.map((choice) => ({ ...choice, blocks: choice.blocks.map((block) => change(block)) })),
  };
}

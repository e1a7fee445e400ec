import type { Message } from '../../conversation/index.ts';
import { isWrittenAsBlocks } from '../client-indexes.ts';

/**
 * The client's path of a block. Of a client that does not write blocks, in openai.chat words: `messages[4].content[1]`,
 * `messages[4].tool_calls[0]`, or `messages[5]` for a tool result, which is a message of its own there. `index` is where
 * the message began in the client's list.
 */
export function clientPath(message: Message, index: number, at: number): string {
  if (isWrittenAsBlocks(message)) return `messages[${index}].content[${at}]`;
  const results = message.blocks.slice(0, at).filter((block) => block.type === 'tool-result').length;
  if (message.blocks[at]?.type === 'tool-result') return `messages[${index + results}]`;
  if (message.blocks[at]?.type === 'tool-call') {
    const calls = message.blocks.slice(0, at).filter((block) => block.type === 'tool-call').length;
    return `messages[${index}].tool_calls[${calls}]`;
  }
  return results === 0 ? `messages[${index}].content[${at}]` : `messages[${index + results}].content[${at - results}]`;
}

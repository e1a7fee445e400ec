import type { Message } from '../../conversation/index.ts';

/**
 * The index that each message has in the client's own list, in openai.chat words: there every tool result is a message,
 * while a conversation gathers those in a row into one.
 */
export function clientIndexes(messages: readonly Message[]): number[] {
  let next = 0;
  return messages.map((message) => {
    const index = next;
    next += isToolTurn(message) ? message.blocks.length : 1;
    return index;
  });
}

/** The client's path of a block: `messages[4].content[1]`, or `messages[5]` for a tool result. */
export function clientPath(message: Message, index: number, at: number): string {
  return isToolTurn(message) ? `messages[${index + at}]` : `messages[${index}].content[${at}]`;
}

/** Whether a message holds tool results and nothing else. */
export function isToolTurn(message: Message): boolean {
  return message.blocks.length > 0 && message.blocks.every((block) => block.type === 'tool-result');
}

import type { Message } from '../conversation/index.ts';

/**
 * Where each message began in the list that the client sent, for paths that it can find: in OpenAI's chat every tool result
 * is a message of its own, here results in a row are blocks of one. Anthropic's clients write messages as they are here, and
 * their system text apart.
 */
export function clientIndexes(messages: readonly Message[]): number[] {
  let next = 0;
  return messages.map((message) => {
    const begin = next;
    next += isWrittenAsBlocks(message) ? Number(!isApart(message)) : chatMessages(message);
    return begin;
  });
}

/** Whether the client wrote this message as it is here: with tool results and calls among its blocks. */
export function isWrittenAsBlocks({ carry }: Message): boolean {
  return carry?.['anthropic.messages'] !== undefined;
}

function isApart({ carry }: Message): boolean {
  return carry?.['anthropic.messages']?.['$system'] !== undefined;
}

function chatMessages({ blocks }: Message): number {
  const results = blocks.filter((block) => block.type === 'tool-result').length;
  return results + (results === 0 || results < blocks.length ? 1 : 0);
}

import type { Message } from '../conversation/index.ts';

/**
 * Where each message began in the list that an OpenAI chat client sent, for paths that the client can find: there every
 * tool result is a message of its own, here results in a row are blocks of one.
 */
export function clientIndexes(messages: readonly Message[]): number[] {
  let next = 0;
  return messages.map(({ blocks }) => {
    const begin = next;
    const results = blocks.filter((block) => block.type === 'tool-result').length;
    next += results + (results === 0 || results < blocks.length ? 1 : 0);
    return begin;
  });
}

import type { Block, Message } from '../conversation/index.ts';
import { clientIndexes } from './client-indexes.ts';

/**
 * The messages for a format whose assistant says no images: those that a model made earlier stand with the user's next
 * message, so that the model still sees what is spoken of. Without such a message, or where the model sees none (`seen`
 * is false), they are lost.
 */
export function withMadeImages(
  messages: readonly Message[],
  seen: boolean,
  lost: (path: string) => void,
): readonly Message[] {
  if (!messages.some(({ role, blocks }) => role === 'assistant' && blocks.some(isImage))) return messages;
  const indexes = clientIndexes(messages);
  const lastUser = messages.findLastIndex(({ role }) => role === 'user');
  let waiting: Block[] = [];
  return messages.map((message, at) => {
    const { role, blocks } = message;
    if (role === 'user' && waiting.length > 0) {
      const shown = { ...message, blocks: [...blocks, ...waiting] };
      waiting = [];
      return shown;
    }
    if (role !== 'assistant' || !blocks.some(isImage)) return message;
    if (seen && at < lastUser) waiting.push(...blocks.filter(isImage));
    else lost(`messages[${indexes[at]}].images`);
    return { ...message, blocks: blocks.filter((block) => !isImage(block)) };
  });
}

function isImage({ type }: Block): boolean {
  return type === 'image';
}

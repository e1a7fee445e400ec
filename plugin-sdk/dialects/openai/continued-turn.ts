import type { Conversation } from '../../conversation/index.ts';
import { carried } from './carry.ts';
import { clientPaths } from './client-paths.ts';

/**
 * The path of a last turn of the assistant that the model is to go on with. Other formats mean that by it; to clients of
 * OpenAI's it is a turn like any other, behind which the model begins anew.
 */
export function continuedTurn(conversation: Conversation): string | undefined {
  const last = conversation.messages.at(-1);
  if (last?.role !== 'assistant' || last.blocks.at(-1)?.type !== 'text') return undefined;
  const isOpenAI = (['openai.chat', 'openai.responses'] as const).some((dialect) => carried(conversation, dialect));
  return isOpenAI ? undefined : clientPaths(conversation).at(-1)?.message;
}

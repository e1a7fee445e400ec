import type { Answer, AnswerEvent } from '../../plugin-sdk/index.ts';
import type { CachedContent } from '../../plugin-sdk/ports/cache.ts';
import { answerOfEvents } from './answer-of-events.ts';

/** Whole answers only: not what was cut short, filtered, refused, paused or empty. */
export function mayKeep(content: CachedContent): boolean {
  if (content.type === 'json') return !('error' in content.json) || content.json['error'] === null;
  const { choices } = content.type === 'answer' ? content.answer : answerOfEvents(content.events);
  return choices.length > 0 && choices.every(isWhole);
}

function isWhole({ finish, blocks }: Answer['choices'][number]): boolean {
  if (finish?.reason !== 'stop' && finish?.reason !== 'tool-calls') return false;
  return (
    blocks.some((block) => block.type !== 'text' || block.text !== '') && !blocks.some(({ type }) => type === 'refusal')
  );
}

/** What the answer says was used, if anything. */
export function usageIn(content: CachedContent) {
  if (content.type === 'answer') return content.answer.usage;
  if (content.type === 'json') return undefined;
  return content.events.findLast((event): event is Extract<AnswerEvent, { type: 'usage' }> => event.type === 'usage')
    ?.usage;
}

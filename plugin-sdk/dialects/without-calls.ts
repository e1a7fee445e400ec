import type { Answer, AnswerEvent } from '../conversation/index.ts';
import type { AnswerFilter } from './answer-filter.ts';

/** Leaves out calls that a model made although the client had chosen none: it has no way to answer them. */
export const withoutCalls: AnswerFilter = {
  answer(answer) {
    return answer.choices.some(({ blocks }) => blocks.some(isCall))
      ? { ...answer, choices: answer.choices.map(withoutCallsOf) }
      : answer;
  },

  stream(emit) {
    const dropped = new Set<string>();
    return (event) => {
      if (event.type === 'block-start' && isCall(event.head)) dropped.add(`${event.choice}.${event.block}`);
      if ('block' in event && dropped.has(`${event.choice}.${event.block}`)) return;
      emit(event.type === 'finish' ? { ...event, finish: finishOf(event.finish) } : event);
    };
  },
};

function isCall({ type }: { readonly type: string }): boolean {
  return type === 'tool-call';
}

function withoutCallsOf(choice: Answer['choices'][number]): Answer['choices'][number] {
  const blocks = choice.blocks.filter((block) => !isCall(block));
  return choice.finish === undefined ? { ...choice, blocks } : { ...choice, blocks, finish: finishOf(choice.finish) };
}

function finishOf(finish: Extract<AnswerEvent, { type: 'finish' }>['finish']): typeof finish {
  return finish.reason === 'tool-calls' ? { reason: 'stop' } : finish;
}

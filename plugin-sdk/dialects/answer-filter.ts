import type { Answer, AnswerEvent } from '../conversation/index.ts';

/** Changes answers on their way from a provider to the client, whole ones and streams alike. Made for one request. */
export interface AnswerFilter {
  answer(answer: Answer): Answer;
  /** Takes the events of one stream and passes on what the client is to see. */
  stream(emit: (event: AnswerEvent) => void): (event: AnswerEvent) => void;
}

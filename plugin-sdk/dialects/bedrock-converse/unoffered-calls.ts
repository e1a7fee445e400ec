import type { AnswerEvent, Conversation } from '../../conversation/index.ts';
import { changeEvents } from '../change-events.ts';
import type { ChatCodec, StreamDecoder } from '../dialect.ts';
import { withoutCalls } from '../without-calls.ts';
import { dialectId } from './decode-block.ts';

type Decoding = Pick<ChatCodec, 'decodeAnswer' | 'decodeStream'>;

/**
 * Leaves calls out of answers to a client that offers no tools. Converse has to be told of those in the history, so the
 * encoder defines them; a call of one, which it asks the model not to make, would reach a client without such a tool.
 */
export function withoutUnofferedCalls({ decodeAnswer, decodeStream }: Decoding): Decoding {
  return {
    decodeAnswer(body, request) {
      const answer = decodeAnswer(body, request);
      return hasUnoffered(request) ? withoutCalls.answer(answer) : answer;
    },
    decodeStream(request) {
      const decoder = decodeStream(request);
      return hasUnoffered(request) ? filtered(decoder) : decoder;
    },
  };
}

/** A request in this format is sent with the tools that it states, so what comes back is the client's. */
function hasUnoffered(request: Conversation | undefined): boolean {
  if (request === undefined || request.carry?.[dialectId] !== undefined) return false;
  const { tools = [], messages } = request;
  return (
    tools.every((tool) => tool.type === 'provider' && tool.dialect !== dialectId) &&
    messages.some(({ blocks }) => blocks.some(({ type }) => type === 'tool-call'))
  );
}

function filtered(decoder: StreamDecoder): StreamDecoder {
  let emitNow: (event: AnswerEvent) => void = () => {};
  const pass = withoutCalls.stream((event) => emitNow(event));
  return changeEvents(decoder, (event, emit) => {
    emitNow = emit;
    pass(event);
  });
}

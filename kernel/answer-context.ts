import type { AnswerContext } from '../plugin-sdk/index.ts';
import type { LiveExchange } from './exchange.ts';

/** What the encoder of a client's dialect is told of the exchange that it writes for. */
export function answerContext(exchange: LiveExchange): AnswerContext {
  return {
    requestId: exchange.id,
    model: exchange.model ?? '',
    conversation: exchange.conversation(),
    now: Math.floor(exchange.time / 1_000),
  };
}

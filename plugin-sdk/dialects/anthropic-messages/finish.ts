import type { Finish } from '../../conversation/index.ts';
import type { JsonObject, JsonValue } from '../../json.ts';
import { present } from '../present.ts';

const reasons: Readonly<Record<string, Finish['reason']>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  refusal: 'content-filter',
  pause_turn: 'pause',
};

const words: Readonly<Record<Finish['reason'], string>> = {
  stop: 'end_turn',
  'tool-calls': 'tool_use',
  length: 'max_tokens',
  'content-filter': 'refusal',
  pause: 'pause_turn',
  // There is no word for a failure; this one at least says that the answer is incomplete.
  error: 'max_tokens',
};

/** @param answeredByTool The only call was of the answer tool, which stands for plain text. */
export function decodeFinish(
  reason: JsonValue | undefined,
  sequence: JsonValue | undefined,
  answeredByTool: boolean,
): Finish | undefined {
  if (typeof reason !== 'string') return undefined;
  const known = reasons[reason] ?? 'stop';
  return {
    reason: answeredByTool && known === 'tool-calls' ? 'stop' : known,
    native: reason,
    ...present({ stopSequence: typeof sequence === 'string' ? sequence : undefined }),
  };
}

/** `stop_reason` and `stop_sequence`; Anthropic's own word is kept where it means the same. */
export function encodeFinish(finish: Finish | undefined): JsonObject {
  if (finish === undefined) return { stop_reason: null, stop_sequence: null };
  const { native, reason, stopSequence } = finish;
  if (stopSequence !== undefined) return { stop_reason: 'stop_sequence', stop_sequence: stopSequence };
  const own = native !== undefined && reasons[native] === reason;
  return { stop_reason: own ? native : words[reason], stop_sequence: null };
}

/** How an answer ended in which the model refused: OpenAI calls that a stop, and says so in a field of its own. */
export function refusedFinish(finish: Finish): Finish {
  return finish.reason === 'stop' ? { reason: 'content-filter' } : finish;
}

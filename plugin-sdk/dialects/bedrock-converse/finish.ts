import type { Finish } from '../../conversation/index.ts';
import type { JsonValue } from '../../json.ts';

const reasons: Readonly<Record<string, Finish['reason']>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  guardrail_intervened: 'content-filter',
  content_filtered: 'content-filter',
  refusal: 'content-filter',
  pause_turn: 'pause',
  malformed_model_output: 'error',
  malformed_tool_use: 'error',
};

const words: Readonly<Record<Finish['reason'], string>> = {
  stop: 'end_turn',
  'tool-calls': 'tool_use',
  length: 'max_tokens',
  'content-filter': 'content_filtered',
  pause: 'end_turn',
  error: 'malformed_model_output',
};

/** @param answeredByTool The only call was of the answer tool, which stands for plain text. */
export function decodeFinish(reason: JsonValue | undefined, answeredByTool: boolean): Finish | undefined {
  if (typeof reason !== 'string') return undefined;
  const known = reasons[reason] ?? 'stop';
  return { reason: answeredByTool && known === 'tool-calls' ? 'stop' : known, native: reason };
}

/** `stopReason`; Bedrock's own word is kept where it means the same. */
export function encodeFinish({ reason, native, stopSequence }: Finish): string {
  if (stopSequence !== undefined) return 'stop_sequence';
  return native !== undefined && reasons[native] === reason ? native : words[reason];
}

import type { Block, Finish } from '../../conversation/index.ts';
import type { JsonObject } from '../../json.ts';
import { present } from '../present.ts';

const reasons: Readonly<Record<string, Finish['reason']>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  // Mistral's words.
  model_length: 'length',
  error: 'error',
};

const words: Readonly<Record<Finish['reason'], string>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  // Chat cannot say that a turn may be continued; for the client it ended.
  pause: 'stop',
  // Nor that it failed; `length` at least says that it is incomplete, and {@link failureField} says the rest.
  error: 'length',
};

/** The provider's own word for a failed answer, in the field that OpenRouter uses for it. */
export function failureField({ reason, native }: Finish): { readonly native_finish_reason?: string } {
  return reason === 'error' && native !== undefined ? { native_finish_reason: native } : {};
}

/**
 * A finish word in common terms. Ollama, vLLM and others say `stop` after tool calls; what ended the answer were the
 * calls. `spelling` remembers a word that {@link finishWord} would not choose.
 */
export function decodeFinish(
  native: string,
  callsMade: boolean,
  stopSequence?: string,
): { finish: Finish; spelling: JsonObject } {
  const said = reasons[native] ?? 'stop';
  const reason = said === 'stop' && callsMade ? 'tool-calls' : said;
  const spelling = words[reason] === native ? {} : { $finish: native };
  return { finish: { reason, native, ...(reason === 'stop' ? present({ stopSequence }) : {}) }, spelling };
}

/**
 * Which of the wanted stop sequences ended the answer, where the server says it beside its finish: vLLM in `stop_reason`,
 * SGLang in `matched_stop`; both have the number of a token there when the model stopped by itself.
 */
export function matchedStop(choice: JsonObject, wanted: readonly string[] | undefined): string | undefined {
  const said = choice['stop_reason'] ?? choice['matched_stop'];
  return wanted?.find((sequence) => sequence === said);
}

/** One of the five words that the format allows, or the word that was read in this format. */
export function finishWord(finish: Finish, own: JsonObject | undefined): string {
  const read = own?.['$finish'];
  return typeof read === 'string' && finish.native === read ? read : words[finish.reason];
}

export function hasCalls(blocks: readonly Block[]): boolean {
  return blocks.some(({ type }) => type === 'tool-call');
}

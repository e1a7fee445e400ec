import type { Finish } from '../../conversation/index.ts';

/** Google's finish reasons in the common vocabulary (wire.md 4.4); a word not listed counts as `error`. */
const reasons: Readonly<Record<string, Finish['reason']>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  CONTINUATION: 'length',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  BLOCKLIST: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  SPII: 'content-filter',
  LANGUAGE: 'content-filter',
  IMAGE_SAFETY: 'content-filter',
  IMAGE_PROHIBITED_CONTENT: 'content-filter',
  IMAGE_RECITATION: 'content-filter',
  MODEL_ARMOR: 'content-filter',
  MALFORMED_FUNCTION_CALL: 'error',
  UNEXPECTED_TOOL_CALL: 'error',
  TOO_MANY_TOOL_CALLS: 'error',
  MALFORMED_RESPONSE: 'error',
  MISSING_THOUGHT_SIGNATURE: 'error',
  NO_IMAGE: 'error',
  IMAGE_OTHER: 'error',
  OTHER: 'error',
  FINISH_REASON_UNSPECIFIED: 'error',
};

const words: Readonly<Record<Finish['reason'], string>> = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  'tool-calls': 'STOP',
  'content-filter': 'SAFETY',
  pause: 'STOP',
  error: 'OTHER',
};

/** Google says STOP when the model called functions. */
export function decodeFinish(word: string, calledTools: boolean): Finish {
  const reason = reasons[word] ?? 'error';
  return { reason: reason === 'stop' && calledTools ? 'tool-calls' : reason, native: word };
}

/** Google's own word where the answer came from Google, else the nearest. */
export function encodeFinish(finish: Finish): string {
  const { native } = finish;
  return native !== undefined && native in reasons ? native : words[finish.reason];
}

/** What the client is told when Google refused the prompt itself (`promptFeedback`). */
export function blockedPromptText(reason: string, message: unknown): string {
  return typeof message === 'string' && message !== '' ? message : `The prompt was blocked: ${reason}.`;
}

import type { Finish } from '../../conversation/index.ts';

const reasons: Readonly<Record<string, Finish['reason']>> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  TOOL_CALL: 'tool-calls',
  ERROR: 'error',
  TIMEOUT: 'error',
  ERROR_TOXIC: 'content-filter',
};

const words: Readonly<Record<Finish['reason'], string>> = {
  stop: 'COMPLETE',
  length: 'MAX_TOKENS',
  'tool-calls': 'TOOL_CALL',
  'content-filter': 'ERROR_TOXIC',
  pause: 'COMPLETE',
  error: 'ERROR',
};

/** `called` is whether the answer still holds tool calls once those made by the gateway are taken out. */
export function decodeFinish(word: string, called: boolean): Finish {
  const reason = reasons[word] ?? 'error';
  return { reason: reason === 'tool-calls' && !called ? 'stop' : reason, native: word };
}

export function encodeFinish(finish: Finish): string {
  const { native } = finish;
  return native !== undefined && native in reasons ? native : words[finish.reason];
}

import type { DialectMeter } from '../dialect.ts';
import { openaiMeter } from '../openai/meter.ts';

/** Chat is read like the other operations; its streams end with [DONE]. */
export const chatMeter: DialectMeter = {
  ...openaiMeter,
  terminator: 'data: [DONE]',
  needles: [
    '"usage":{',
    '"usage": {',
    '"finish_reason":"',
    '"finish_reason": "',
    '"error"',
    'event: error',
    'event:error',
    '[DONE]',
  ],
};

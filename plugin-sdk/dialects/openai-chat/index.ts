import { isObject } from '../../json.ts';
import { loadOnUse } from '../../load-on-use.ts';
import { deferredCodec } from '../deferred-codec.ts';
import type { Dialect } from '../dialect.ts';
import { errorFace } from '../openai/error-face.ts';
import { chatMeter } from './meter.ts';

export type { ChatCapabilities } from './capabilities.ts';

/** OpenAI chat completions, and what OpenAI-like providers make of it. */
export const openaiChat: Dialect = {
  id: 'openai.chat',
  framing: 'sse',
  meter: chatMeter,
  ...errorFace,
  chat: {
    ...deferredCodec(loadOnUse<typeof import('./codec.ts')>(import.meta.url, './codec')),
    enforcesOutput: (body) => isObject(body['response_format']),
  },
};

import { loadOnUse } from '../../load-on-use.ts';
import { deferredCodec } from '../deferred-codec.ts';
import type { Dialect } from '../dialect.ts';
import { errorFace } from '../openai/error-face.ts';
import { chatMeter } from '../openai-chat/meter.ts';

/** OpenAI's legacy completions: a prompt in, text out. Read and written by way of openai.chat, which has the same fields. */
export const openaiCompletions: Dialect = {
  id: 'openai.completions',
  framing: 'sse',
  meter: chatMeter,
  ...errorFace,
  chat: deferredCodec(loadOnUse<typeof import('./codec.ts')>(import.meta.url, './codec')),
};

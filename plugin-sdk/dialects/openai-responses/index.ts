import { loadOnUse } from '../../load-on-use.ts';
import { deferredCodec } from '../deferred-codec.ts';
import type { Dialect } from '../dialect.ts';
import { errorFace } from '../openai/error-face.ts';
import { responsesMeter } from './meter.ts';

export type { ResponsesCapabilities } from './capabilities.ts';

/** OpenAI responses. */
export const openaiResponses: Dialect = {
  id: 'openai.responses',
  framing: 'sse',
  meter: responsesMeter,
  ...errorFace,
  chat: deferredCodec(loadOnUse<typeof import('./codec.ts')>(import.meta.url, './codec')),
};

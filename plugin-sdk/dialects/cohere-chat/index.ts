import { isObject } from '../../json.ts';
import { loadOnUse } from '../../load-on-use.ts';
import { deferredCodec } from '../deferred-codec.ts';
import type { Dialect } from '../dialect.ts';
import { cohereErrors } from './errors.ts';
import { cohereMeter } from './meter.ts';

export type { CohereCapabilities } from './capabilities.ts';

/** Cohere's chat, version 2. */
export const cohereChat: Dialect = {
  id: 'cohere.chat',
  framing: 'sse',
  meter: cohereMeter,
  ...cohereErrors,
  chat: {
    ...deferredCodec(loadOnUse<typeof import('./codec.ts')>(import.meta.url, './codec')),
    enforcesOutput: (body) => isObject(body['response_format']),
  },
};

/** Everything else that Cohere serves: embeddings, rerank. */
export const cohere: Dialect = { id: 'cohere', framing: 'sse', meter: cohereMeter, ...cohereErrors };

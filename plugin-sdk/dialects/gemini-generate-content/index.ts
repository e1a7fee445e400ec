import { isObject } from '../../json.ts';
import { loadOnUse } from '../../load-on-use.ts';
import { deferredCodec, deferredShape } from '../deferred-codec.ts';
import type { Dialect } from '../dialect.ts';
import { googleErrors } from './errors.ts';
import { googleMeter } from './meter.ts';

export type { GeminiCapabilities } from './capabilities.ts';

const embedding = loadOnUse<typeof import('../google/embeddings-shape.ts')>(
  import.meta.url,
  '../google/embeddings-shape',
);

/** Google's generateContent, as the Gemini API and Vertex AI speak it; streams with `alt=sse`. */
export const geminiGenerateContent: Dialect = {
  id: 'gemini.generateContent',
  framing: 'sse',
  meter: googleMeter,
  ...googleErrors,
  chat: {
    ...deferredCodec(loadOnUse<typeof import('./codec.ts')>(import.meta.url, './codec')),
    enforcesOutput: ({ generationConfig: config }) =>
      isObject(config) && ('responseJsonSchema' in config || 'responseSchema' in config),
  },
};

/** Everything else that Google serves: embeddings, files, countTokens, `:predict`. */
export const google: Dialect = {
  id: 'google',
  framing: 'sse',
  meter: googleMeter,
  ...googleErrors,
  shapes: { embeddings: deferredShape(() => embedding().embeddingsShape) },
};

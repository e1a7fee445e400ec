import { isObject } from '../../json.ts';
import type { Dialect } from '../dialect.ts';
import { decodeAnswer } from './decode-answer.ts';
import { decodeRequest } from './decode-request.ts';
import { GeminiStreamDecoder } from './decode-stream.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeRequest } from './encode-request.ts';
import { GeminiStreamEncoder } from './encode-stream.ts';
import { googleErrors } from './errors.ts';
import { googleMeter } from './meter.ts';

export { capabilitiesOf, type GeminiCapabilities } from './capabilities.ts';

/** Google's generateContent, as the Gemini API and Vertex AI speak it; streams with `alt=sse`. */
export const geminiGenerateContent: Dialect = {
  id: 'gemini.generateContent',
  framing: 'sse',
  meter: googleMeter,
  ...googleErrors,
  chat: {
    decodeRequest,
    encodeRequest,
    enforcesOutput: ({ generationConfig: config }) =>
      isObject(config) && ('responseJsonSchema' in config || 'responseSchema' in config),
    decodeAnswer,
    encodeAnswer,
    decodeStream: (request) => new GeminiStreamDecoder(request),
    encodeStream: (context) => new GeminiStreamEncoder(context),
  },
};

/** Everything else that Google serves: embeddings, files, countTokens, `:predict`. */
export const google: Dialect = { id: 'google', framing: 'sse', meter: googleMeter, ...googleErrors };

import { isObject } from '../../json.ts';
import type { Dialect } from '../dialect.ts';
import { decodeAnswer } from './decode-answer.ts';
import { decodeRequest } from './decode-request.ts';
import { CohereStreamDecoder } from './decode-stream.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeRequest } from './encode-request.ts';
import { CohereStreamEncoder } from './encode-stream.ts';
import { cohereErrors } from './errors.ts';
import { cohereMeter } from './meter.ts';

export { type CohereCapabilities, capabilitiesOf } from './capabilities.ts';

/** Cohere's chat, version 2. */
export const cohereChat: Dialect = {
  id: 'cohere.chat',
  framing: 'sse',
  meter: cohereMeter,
  ...cohereErrors,
  chat: {
    decodeRequest,
    encodeRequest,
    enforcesOutput: (body) => isObject(body['response_format']),
    decodeAnswer,
    encodeAnswer,
    decodeStream: (request) => new CohereStreamDecoder(request),
    encodeStream: (context) => new CohereStreamEncoder(context),
  },
};

/** Everything else that Cohere serves: embeddings, rerank. */
export const cohere: Dialect = { id: 'cohere', framing: 'sse', meter: cohereMeter, ...cohereErrors };

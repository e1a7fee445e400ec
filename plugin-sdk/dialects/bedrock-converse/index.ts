import { isObject } from '../../json.ts';
import type { Dialect } from '../dialect.ts';
import { decodeAnswer } from './decode-answer.ts';
import { decodeRequest } from './decode-request.ts';
import { ConverseStreamDecoder } from './decode-stream.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeRequest } from './encode-request.ts';
import { ConverseStreamEncoder } from './encode-stream.ts';
import { decodeError, encodeError, encodeStreamError } from './errors.ts';
import { meter } from './meter.ts';

export { type ConverseCapabilities, capabilitiesOf } from './capabilities.ts';

/** The Bedrock runtime endpoints other than Converse: invoke, token counts. */
export const bedrock: Dialect = {
  id: 'bedrock',
  framing: 'aws-event-stream',
  meter,
  encodeError,
  encodeStreamError,
  decodeError,
};

/** `POST /model/{id}/converse` and `/converse-stream`. */
export const bedrockConverse: Dialect = {
  ...bedrock,
  id: 'bedrock.converse',
  chat: {
    decodeRequest,
    encodeRequest,
    enforcesOutput: (body) => isObject(body['outputConfig']) && isObject(body['outputConfig']['textFormat']),
    decodeAnswer,
    encodeAnswer,
    decodeStream: (request) => new ConverseStreamDecoder(request),
    encodeStream: () => new ConverseStreamEncoder(),
  },
};

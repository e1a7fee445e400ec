import { isObject } from '../../json.ts';
import type { Dialect } from '../dialect.ts';
import { decodeAnswer } from './decode-answer.ts';
import { decodeRequest } from './decode-request.ts';
import { MessagesStreamDecoder } from './decode-stream.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeRequest } from './encode-request.ts';
import { MessagesStreamEncoder } from './encode-stream.ts';
import { decodeError, encodeError, encodeStreamError } from './errors.ts';
import { meter } from './meter.ts';

export { type ClaudeCapabilities, capabilitiesOf } from './capabilities.ts';

/** The Anthropic endpoints other than messages: files, batches, models, token counts. */
export const anthropic: Dialect = {
  id: 'anthropic',
  framing: 'sse',
  meter,
  encodeError,
  encodeStreamError,
  decodeError,
};

/** `POST /v1/messages`, at Anthropic and wherever Claude is served in Anthropic's own format. */
export const anthropicMessages: Dialect = {
  ...anthropic,
  id: 'anthropic.messages',
  chat: {
    decodeRequest,
    encodeRequest,
    enforcesOutput: (body) => isObject(body['output_config']) && isObject(body['output_config']['format']),
    decodeAnswer,
    encodeAnswer,
    decodeStream: (request) => new MessagesStreamDecoder(request),
    encodeStream: (context) => new MessagesStreamEncoder(context),
  },
};

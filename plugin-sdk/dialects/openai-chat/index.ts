import { isObject } from '../../json.ts';
import type { Dialect } from '../dialect.ts';
import { errorFace } from '../openai/error-face.ts';
import { decodeAnswer } from './decode-answer.ts';
import { decodeRequest } from './decode-request.ts';
import { decodeStream } from './decode-stream.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeRequest } from './encode-request.ts';
import { encodeStream } from './encode-stream.ts';
import { chatMeter } from './meter.ts';

export type { ChatCapabilities } from './capabilities.ts';

/** OpenAI chat completions, and what OpenAI-like providers make of it. */
export const openaiChat: Dialect = {
  id: 'openai.chat',
  framing: 'sse',
  meter: chatMeter,
  ...errorFace,
  chat: {
    decodeRequest,
    encodeRequest,
    enforcesOutput: (body) => isObject(body['response_format']),
    decodeAnswer,
    encodeAnswer,
    decodeStream,
    encodeStream,
  },
};

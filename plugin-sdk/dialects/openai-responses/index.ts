import type { Dialect } from '../dialect.ts';
import { errorFace } from '../openai/error-face.ts';
import { decodeAnswer } from './decode-answer.ts';
import { decodeRequest } from './decode-request.ts';
import { decodeStream } from './decode-stream.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeRequest } from './encode-request.ts';
import { encodeStream } from './encode-stream.ts';
import { responsesMeter } from './meter.ts';

export type { ResponsesCapabilities } from './capabilities.ts';

/** OpenAI responses. */
export const openaiResponses: Dialect = {
  id: 'openai.responses',
  framing: 'sse',
  meter: responsesMeter,
  ...errorFace,
  chat: { decodeRequest, encodeRequest, decodeAnswer, encodeAnswer, decodeStream, encodeStream },
};

import type { Dialect } from '../dialect.ts';
import { errorFace } from '../openai/error-face.ts';
import { chatMeter } from '../openai-chat/meter.ts';
import { decodeAnswer, encodeAnswer } from './answer.ts';
import { decodeRequest, encodeRequest } from './request.ts';
import { decodeStream, encodeStream } from './stream.ts';

/** OpenAI's legacy completions: a prompt in, text out. Read and written by way of openai.chat, which has the same fields. */
export const openaiCompletions: Dialect = {
  id: 'openai.completions',
  framing: 'sse',
  meter: chatMeter,
  ...errorFace,
  chat: { decodeRequest, encodeRequest, decodeAnswer, encodeAnswer, decodeStream, encodeStream },
};

import type { ChatCodec } from '../dialect.ts';
import { decodeAnswer, encodeAnswer } from './answer.ts';
import { decodeRequest, encodeRequest } from './request.ts';
import { decodeStream, encodeStream } from './stream.ts';

export const codec: ChatCodec = {
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream,
  encodeStream,
};

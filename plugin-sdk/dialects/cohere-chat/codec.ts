import type { ChatCodec } from '../dialect.ts';
import { decodeAnswer } from './decode-answer.ts';
import { decodeRequest } from './decode-request.ts';
import { CohereStreamDecoder } from './decode-stream.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeRequest } from './encode-request.ts';
import { CohereStreamEncoder } from './encode-stream.ts';

export const codec: ChatCodec = {
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  decodeStream: (request) => new CohereStreamDecoder(request),
  encodeStream: (context) => new CohereStreamEncoder(context),
};

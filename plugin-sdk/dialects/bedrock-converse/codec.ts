import type { ChatCodec } from '../dialect.ts';
import { decodeAnswer } from './decode-answer.ts';
import { decodeRequest } from './decode-request.ts';
import { ConverseStreamDecoder } from './decode-stream.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeRequest } from './encode-request.ts';
import { ConverseStreamEncoder } from './encode-stream.ts';
import { withoutUnofferedCalls } from './unoffered-calls.ts';

export const codec: ChatCodec = {
  decodeRequest,
  encodeRequest,
  encodeAnswer,
  ...withoutUnofferedCalls({ decodeAnswer, decodeStream: (request) => new ConverseStreamDecoder(request) }),
  encodeStream: () => new ConverseStreamEncoder(),
};

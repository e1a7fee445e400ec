import type { DialectMeter } from '../dialect.ts';
import { readJson, stringOf } from './json-reading.ts';
import { readOpenAIStream } from './stream-reading.ts';

/** Meter of every OpenAI operation whose stream is not the responses format. */
export const openaiMeter: DialectMeter = {
  json: (bytes) => readJson(bytes, stringOf(bytes, '"finish_reason"', 'last')),
  stream: readOpenAIStream,
};

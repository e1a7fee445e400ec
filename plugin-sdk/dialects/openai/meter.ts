import type { DialectMeter } from '../dialect.ts';
import { OpenAIReading, stringOf } from './json-reading.ts';
import { readOpenAIStream } from './stream-reading.ts';
import { usageInBytes } from './usage-in-bytes.ts';

const finishKey = Buffer.from('"finish_reason"');

/** Meter of every OpenAI operation whose stream is not the responses format. */
export const openaiMeter: DialectMeter = {
  json: (bytes) => new OpenAIReading(bytes, finishOf),
  stream: readOpenAIStream,
  message(bytes) {
    // Each answer of a realtime session states what it alone used, and so does each transcript of what was heard.
    if (bytes.includes('"response.done"')) return usageInBytes(bytes, 2);
    return bytes.includes('input_audio_transcription.completed"') ? usageInBytes(bytes) : undefined;
  },
};

function finishOf(bytes: Buffer): string | undefined {
  return stringOf(bytes, finishKey, 'last');
}

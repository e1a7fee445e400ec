import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { FramingId } from '../../plugin-sdk/dialects/dialect.ts';

const recordings = new URL('../../../shared/recordings/', import.meta.url);
export const absent = existsSync(recordings) ? false : 'the recordings are not here';

export function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length]!;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

export function singleBytes(bytes: Buffer): Buffer[] {
  return cut(bytes, [1]);
}

export const chunkSizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 3000 })), {
  minLength: 1,
  maxLength: 30,
});

interface RecordedStream {
  readonly name: string;
  readonly framing: FramingId;
  readonly bytes: Buffer;
}

export function* recordedStreams(): Generator<RecordedStream> {
  if (absent) return;
  for (const provider of readdirSync(recordings)) {
    for (const file of readdirSync(new URL(`${provider}/`, recordings))) {
      const { interactions } = JSON.parse(readFileSync(new URL(`${provider}/${file}`, recordings), 'utf8'));
      for (const { response } of interactions) {
        const type = String(response.headers?.['content-type'] ?? '');
        const name = `${provider}/${file}`;
        if (type.startsWith('text/event-stream') && response.bodyText)
          yield { name, framing: 'sse', bytes: Buffer.from(response.bodyText) };
        if (type.includes('amazon.eventstream'))
          yield { name, framing: 'aws-event-stream', bytes: Buffer.from(response.bodyBase64, 'base64') };
      }
    }
  }
}

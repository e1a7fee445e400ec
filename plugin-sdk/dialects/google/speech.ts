import { GatewayError } from '../../errors.ts';
import type { OperationAdapter } from '../../provider.ts';
import { inlineDataOf, reasonOf, usageOf } from './content.ts';
import { modelPath } from './model-path.ts';

/** Voices of OpenAI's that Google does not have: its default voice speaks instead. */
const foreignVoices = new Set([
  'alloy',
  'ash',
  'ballad',
  'coral',
  'echo',
  'fable',
  'onyx',
  'nova',
  'sage',
  'shimmer',
  'verse',
  'marin',
  'cedar',
]);

/** `POST /audio/speech`. Formats other than wav and pcm are answered as wav. */
export const speech: OperationAdapter = {
  encode(body, call, lost) {
    const { input, voice, instructions, response_format: format, speed } = body;
    if (typeof input !== 'string')
      throw new GatewayError('REQ_INVALID', { reason: 'input must be a string.' }, { param: 'input' });
    if (body['stream_format'] === 'sse') {
      throw new GatewayError(
        'REQ_INVALID',
        { reason: 'This provider does not stream speech.' },
        { param: 'stream_format' },
      );
    }
    if (typeof format === 'string' && format !== 'wav' && format !== 'pcm') lost('response_format');
    if (speed !== undefined && speed !== 1) lost('speed');
    const known = typeof voice === 'string' && !foreignVoices.has(voice);
    if (!known && voice !== undefined) lost('voice');
    const text = typeof instructions === 'string' && instructions !== '' ? `${instructions}: ${input}` : input;
    const speechConfig = { voiceConfig: { prebuiltVoiceConfig: { voiceName: voice as string } } };
    return {
      path: modelPath(call.model, 'generateContent'),
      body: {
        contents: [{ role: 'user', parts: [{ text }] }],
        generationConfig: { responseModalities: ['AUDIO'], ...(known ? { speechConfig } : {}) },
      },
    };
  },
  decode(replies, body) {
    const audio = replies.flatMap(inlineDataOf);
    const first = audio[0];
    if (first === undefined) {
      const reason = `it has no audio (${replies.map(reasonOf).join(', ')})`;
      throw new GatewayError('UP_BAD_BODY', { provider: 'Google', reason }, { retry: 'never' });
    }
    const sound = Buffer.concat(audio.map(({ data }) => Buffer.from(data, 'base64')));
    const usage = usageOf(replies);
    if (!/^audio\/l16|pcm/i.test(first.mimeType)) return { bytes: sound, contentType: first.mimeType, usage };
    if (body['response_format'] === 'pcm') return { bytes: sound, contentType: 'audio/pcm', usage };
    const rate = Number(/rate=(\d+)/.exec(first.mimeType)?.[1] ?? 24_000);
    return { bytes: Buffer.concat([wavHeader(sound.length, rate), sound]), contentType: 'audio/wav', usage };
  },
};

/** RIFF header for one channel of 16-bit little-endian PCM. */
export function wavHeader(length: number, rate: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(length, 40);
  return header;
}

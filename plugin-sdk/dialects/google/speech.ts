import { GatewayError } from '../../errors.ts';
import type { OperationAdapter } from '../../provider.ts';
import { wavHeader } from '../../wav.ts';
import { inlineDataOf, reasonOf, usageOf } from './content.ts';
import { eventsResult } from './events-result.ts';
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

/** `POST /audio/speech`. Formats other than wav and pcm are answered as wav; a stream has all sound in one event. */
export const speech: OperationAdapter = {
  encode(body, call, lost) {
    const { input, voice, instructions, response_format: format, speed } = body;
    if (typeof input !== 'string')
      throw new GatewayError('REQ_INVALID', { reason: 'input must be a string.' }, { param: 'input' });
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
    const made = container(sound, first.mimeType, body['response_format'] === 'pcm');
    if (body['stream_format'] !== 'sse') return { ...made, usage };
    const tokens = { input_tokens: usage.input, output_tokens: usage.output, total_tokens: usage.input + usage.output };
    const delta = { type: 'speech.audio.delta', audio: made.bytes.toString('base64') };
    return eventsResult([delta, { type: 'speech.audio.done', usage: tokens }], usage);
  },
};

/** Bare samples in a file, unless the client wants them bare. */
function container(sound: Buffer, mimeType: string, bare: boolean): { bytes: Buffer; contentType: string } {
  if (!/^audio\/l16|pcm/i.test(mimeType)) return { bytes: sound, contentType: mimeType };
  if (bare) return { bytes: sound, contentType: 'audio/pcm' };
  const rate = Number(/rate=(\d+)/.exec(mimeType)?.[1] ?? 24_000);
  return { bytes: Buffer.concat([wavHeader(sound.length, rate), sound]), contentType: 'audio/wav' };
}

import { GatewayError, type JsonObject } from '../../plugin-sdk/index.ts';
import { wavHeader } from '../../plugin-sdk/wav.ts';
import { countTokens } from './count-tokens.ts';
import { type Form, textField } from './form.ts';

const sampleRate = 24_000;
const millisecondsPerCharacter = 20;

export interface Speech {
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** A tone as long as the text: `wav` and `pcm` (24 kHz, 16 bits, one channel), or silence as `mp3`. Throws GatewayError REQ_INVALID. */
export function answerSpeech(form: Form): Speech {
  const input = textField(form, 'input');
  if (input === undefined || input === '')
    throw new GatewayError('REQ_INVALID', { reason: 'input must be a text.' }, { param: 'input' });
  const milliseconds = Math.min(10_000, 200 + input.length * millisecondsPerCharacter);
  const format = textField(form, 'response_format') ?? 'mp3';
  switch (format) {
    case 'wav':
      return { contentType: 'audio/wav', bytes: wav(tone(milliseconds)) };
    case 'pcm':
      return { contentType: 'audio/pcm', bytes: tone(milliseconds) };
    case 'mp3':
      return { contentType: 'audio/mpeg', bytes: silence(milliseconds) };
    default:
      throw new GatewayError(
        'REQ_INVALID',
        { reason: `The mock speaks mp3, wav and pcm, not ${format}.` },
        { param: 'response_format' },
      );
  }
}

/** The same as events, for `stream_format: "sse"`. */
export function streamSpeech(form: Form): { name: string; value: JsonObject }[] {
  const { bytes } = answerSpeech(form);
  const size = 16_384;
  const events = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => {
    const audio = bytes.subarray(i * size, (i + 1) * size).toString('base64');
    return { name: 'speech.audio.delta', value: { type: 'speech.audio.delta', audio } as JsonObject };
  });
  const input = countTokens(textField(form, 'input') ?? '');
  const usage = { input_tokens: input, output_tokens: events.length, total_tokens: input + events.length };
  return [...events, { name: 'speech.audio.done', value: { type: 'speech.audio.done', usage } }];
}

function tone(milliseconds: number): Buffer {
  const samples = Math.round((sampleRate * milliseconds) / 1_000);
  const bytes = Buffer.alloc(samples * 2);
  for (let i = 0; i < samples; i++)
    bytes.writeInt16LE(Math.round(8_000 * Math.sin((2 * Math.PI * 440 * i) / sampleRate)), i * 2);
  return bytes;
}

function wav(samples: Buffer): Buffer {
  return Buffer.concat([wavHeader(samples.length, sampleRate), samples]);
}

/** Empty MPEG-1 layer III frames: 128 kbit/s at 44.1 kHz, 417 bytes for 1,152 samples. */
function silence(milliseconds: number): Buffer {
  const frame = Buffer.alloc(417);
  frame.set([0xff, 0xfb, 0x90, 0xc4]);
  return Buffer.concat(Array.from({ length: Math.ceil((milliseconds * 44.1) / 1_152) }, () => frame));
}

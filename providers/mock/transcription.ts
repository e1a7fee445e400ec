import { GatewayError, type JsonObject } from '../../plugin-sdk/index.ts';
import { cut } from './chat.ts';
import { countTokens } from './count-tokens.ts';
import { type Form, textField } from './form.ts';

export type Transcript = { readonly json: JsonObject } | { readonly text: string };

/** A transcript that names the file, in the format that was asked for. Throws GatewayError REQ_INVALID. */
export function answerTranscription(form: Form): Transcript {
  const text = transcriptOf(form);
  const seconds = secondsOf(form);
  switch (textField(form, 'response_format') ?? 'json') {
    case 'text':
      return { text: `${text}\n` };
    case 'srt':
      return { text: `1\n00:00:00,000 --> ${stamp(seconds, ',')}\n${text}\n\n` };
    case 'vtt':
      return { text: `WEBVTT\n\n00:00:00.000 --> ${stamp(seconds, '.')}\n${text}\n\n` };
    case 'verbose_json':
      return { json: verbose(text, seconds) };
    default:
      return { json: { text, usage: usageOf(text, seconds) } };
  }
}

export function streamTranscription(form: Form, pieces: number | undefined): { name: string; value: JsonObject }[] {
  const text = transcriptOf(form);
  const deltas = cut(text, pieces).map((delta) => {
    return { name: 'transcript.text.delta', value: { type: 'transcript.text.delta', delta } as JsonObject };
  });
  const done = { type: 'transcript.text.done', text, usage: usageOf(text, secondsOf(form)) };
  return [...deltas, { name: 'transcript.text.done', value: done }];
}

function transcriptOf({ files }: Form): string {
  const file = files[0];
  if (file === undefined)
    throw new GatewayError('REQ_INVALID', { reason: 'file must be an audio file.' }, { param: 'file' });
  return `Mock transcript of ${file.name} with ${file.bytes.length} bytes.`;
}

/** As if every second had 32,000 bytes. */
function secondsOf({ files }: Form): number {
  return Math.max(1, Math.ceil((files[0]?.bytes.length ?? 0) / 32_000));
}

function usageOf(text: string, seconds: number): JsonObject {
  const input = seconds * 10;
  const output = countTokens(text);
  return {
    type: 'tokens',
    input_tokens: input,
    input_token_details: { text_tokens: 0, audio_tokens: input },
    output_tokens: output,
    total_tokens: input + output,
  };
}

function verbose(text: string, seconds: number): JsonObject {
  const segment = {
    id: 0,
    seek: 0,
    start: 0,
    end: seconds,
    text,
    tokens: [],
    temperature: 0,
    avg_logprob: 0,
    compression_ratio: 1,
    no_speech_prob: 0,
  };
  return {
    task: 'transcribe',
    language: 'english',
    duration: seconds,
    text,
    segments: [segment],
    usage: { type: 'duration', seconds },
  };
}

function stamp(seconds: number, separator: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${separator}000`;
}

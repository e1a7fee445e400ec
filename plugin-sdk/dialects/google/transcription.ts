import { GatewayError } from '../../errors.ts';
import { readForm } from '../../form.ts';
import type { JsonObject } from '../../json.ts';
import type { AdaptedReply, AdaptedResult, Call, OperationAdapter } from '../../provider.ts';
import { textOf, usageOf } from './content.ts';
import { eventsResult } from './events-result.ts';
import { modelPath } from './model-path.ts';

const understood = new Set(['model', 'language', 'prompt', 'response_format', 'temperature', 'stream', 'file']);

/** `POST /audio/transcriptions`: json, verbose_json (without times) and text; a stream has all text in one delta. */
export const transcription = adapterWith(
  'Write down exactly what is said in this audio, word for word, in the language it is spoken in.',
);

/** `POST /audio/translations`: the same in English. */
export const translation = adapterWith('Translate what is said in this audio into English.');

function adapterWith(task: string): OperationAdapter {
  return {
    encode(body, call, lost) {
      refuseWhatNeedsTimes(body);
      for (const field of Object.keys(body)) if (!understood.has(field)) lost(field);
      const { temperature } = body;
      const text = [task, 'Answer with the text alone.', ...hints(body)].join(' ');
      return {
        path: modelPath(call.model, 'generateContent'),
        body: {
          contents: [{ role: 'user', parts: [audioPart(call), { text }] }],
          ...(temperature === undefined ? {} : { generationConfig: { temperature: Number(temperature) } }),
        },
      };
    },
    decode: (replies, body) => written(textOf(replies[0]).trim(), body, replies),
  };
}

function refuseWhatNeedsTimes({ response_format: format }: JsonObject): void {
  if (format === 'srt' || format === 'vtt' || format === 'diarized_json') {
    const reason = `This provider gives no times or speakers, which ${format} needs; use json or text.`;
    throw new GatewayError('REQ_INVALID', { reason }, { param: 'response_format' });
  }
}

function hints({ language, prompt }: JsonObject): string[] {
  return [
    ...(typeof language === 'string' ? [`The audio is in the language with the ISO 639 code ${language}.`] : []),
    ...(typeof prompt === 'string' && prompt !== '' ? [`Words and style to expect: ${prompt}`] : []),
  ];
}

function audioPart(call: Call): JsonObject {
  const { body } = call.exchange.request;
  const form = body.kind === 'bytes' ? readForm(body.bytes, body.contentType) : undefined;
  const file = form?.files.find(({ field }) => field === 'file');
  if (file === undefined) throw new GatewayError('REQ_INVALID', { reason: 'file is missing.' }, { param: 'file' });
  const mimeType = file.contentType === 'application/octet-stream' ? typeOfName(file.filename) : file.contentType;
  return { inlineData: { mimeType, data: file.bytes.toString('base64') } };
}

function typeOfName(filename: string): string {
  const extension = filename.slice(filename.lastIndexOf('.') + 1).toLowerCase();
  return `audio/${extension === 'mp3' || extension === 'mpga' ? 'mpeg' : extension === 'm4a' ? 'mp4' : extension}`;
}

function written(
  text: string,
  { response_format: format, language, stream }: JsonObject,
  replies: readonly AdaptedReply[],
): AdaptedResult {
  const usage = usageOf(replies);
  const tokens = {
    type: 'tokens',
    input_tokens: usage.input,
    output_tokens: usage.output,
    total_tokens: usage.input + usage.output,
  };
  if (stream === true || stream === 'true') {
    const delta = { type: 'transcript.text.delta', delta: text };
    return eventsResult([delta, { type: 'transcript.text.done', text, usage: tokens }], usage);
  }
  if (format === 'text') return { bytes: Buffer.from(`${text}\n`), contentType: 'text/plain; charset=utf-8', usage };
  if (format !== 'verbose_json') return { json: { text, usage: tokens }, usage };
  return {
    json: { task: 'transcribe', language: language ?? '', duration: 0, text, segments: [], usage: tokens },
    usage,
  };
}

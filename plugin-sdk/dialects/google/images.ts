import { GatewayError } from '../../errors.ts';
import { readForm } from '../../form.ts';
import { isObject, type JsonObject } from '../../json.ts';
import type { AdaptedCall, AdaptedReply, AdaptedResult, Call, OperationAdapter } from '../../provider.ts';
import { inlineDataOf, reasonOf, usageOf } from './content.ts';
import { eventsResult } from './events-result.ts';
import { modelPath } from './model-path.ts';

const ratios = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9'] as const;
const imagenRatios: readonly string[] = ['1:1', '3:4', '4:3', '9:16', '16:9'];
const understood = new Set([
  'model',
  'prompt',
  'n',
  'size',
  'response_format',
  'user',
  'moderation',
  'stream',
  'partial_images',
]);
const mostImages = 10;

/** `POST /images/generations` by a Gemini image model or by Imagen; a stream has an event for each whole image. */
export const generateImages: OperationAdapter = {
  encode(body, call, lost) {
    losePartials(body, lost);
    for (const field of Object.keys(body)) if (!understood.has(field) && body[field] != null) lost(field);
    return isImagen(call.model) ? imagenCall(body, call) : imageCalls(body, call, [{ text: promptOf(body) }]);
  },
  decode: (replies, body) => decode(replies, body, 'image_generation.completed'),
};

/** `POST /images/edits`: the images go before the prompt. */
export const editImages: OperationAdapter = {
  encode(body, call, lost) {
    losePartials(body, lost);
    const request = call.exchange.request.body;
    const { files } = readForm(request.kind === 'bytes' ? request.bytes : Buffer.alloc(0), request.contentType);
    for (const field of Object.keys(body)) if (!understood.has(field)) lost(field);
    const images = files.filter(({ field }) => field === 'image');
    if (images.length === 0) throw new GatewayError('REQ_INVALID', { reason: 'image is missing.' }, { param: 'image' });
    if (isImagen(call.model))
      throw new GatewayError('REQ_UNSUPPORTED', { provider: 'Imagen', operation: 'images.edit' });
    if (files.some(({ field }) => field === 'mask')) lost('mask');
    const parts = images.map(({ contentType, bytes }) => ({
      inlineData: { mimeType: contentType, data: bytes.toString('base64') },
    }));
    return imageCalls(body, call, [...parts, { text: promptOf(body) }]);
  },
  decode: (replies, body) => decode(replies, body, 'image_edit.completed'),
};

/** Unfinished images are not to be had: a stream has whole ones alone. */
function losePartials({ partial_images: partial }: JsonObject, lost: (path: string) => void): void {
  if (partial !== undefined && partial !== null && Number(partial) !== 0) lost('partial_images');
}

function promptOf({ prompt }: JsonObject): string {
  if (typeof prompt === 'string' && prompt !== '') return prompt;
  throw new GatewayError('REQ_INVALID', { reason: 'prompt must be a string.' }, { param: 'prompt' });
}

function isImagen(model: string): boolean {
  return model.includes('imagen');
}

function countOf({ n }: JsonObject): number {
  const count = n === undefined || n === null ? 1 : Number(n);
  if (Number.isInteger(count) && count >= 1 && count <= mostImages) return count;
  throw new GatewayError('REQ_INVALID', { reason: `n must be from 1 to ${mostImages}.` }, { param: 'n' });
}

/** A call gives one image. Text is allowed too: some models refuse to answer with an image alone. */
function imageCalls(body: JsonObject, call: Call, parts: JsonObject[]): AdaptedCall[] {
  const aspectRatio = ratioOf(body, ratios);
  const generationConfig: JsonObject = {
    responseModalities: ['TEXT', 'IMAGE'],
    ...(aspectRatio === undefined ? {} : { imageConfig: { aspectRatio } }),
  };
  const one = {
    path: modelPath(call.model, 'generateContent'),
    body: { contents: [{ role: 'user', parts }], generationConfig },
  };
  return Array.from({ length: countOf(body) }, () => one);
}

function imagenCall(body: JsonObject, call: Call): AdaptedCall {
  const aspectRatio = ratioOf(body, imagenRatios);
  const parameters = { sampleCount: countOf(body), ...(aspectRatio === undefined ? {} : { aspectRatio }) };
  return { path: modelPath(call.model, 'predict'), body: { instances: [{ prompt: promptOf(body) }], parameters } };
}

/** The ratio nearest to `1536x1024`; undefined for `auto` and for none. */
function ratioOf({ size }: JsonObject, known: readonly string[]): string | undefined {
  const match = /^(\d+)x(\d+)$/.exec(String(size ?? ''));
  if (match === null) return undefined;
  const wanted = Math.log(Number(match[1]) / Number(match[2]));
  const distance = (ratio: string): number => {
    const [width, height] = ratio.split(':').map(Number);
    return Math.abs(Math.log(width! / height!) - wanted);
  };
  return [...known].sort((a, b) => distance(a) - distance(b))[0];
}

function decode(replies: readonly AdaptedReply[], body: JsonObject, completed: string): AdaptedResult {
  const images = replies.flatMap((reply) => [...inlineDataOf(reply), ...predictionsOf(reply)]);
  if (images.length === 0) {
    const reason = `it has no image (${replies.map(reasonOf).join(', ')})`;
    throw new GatewayError('UP_BAD_BODY', { provider: 'Google', reason }, { retry: 'never' });
  }
  const usage = { ...usageOf(replies), images: images.length };
  const counted = { input_tokens: usage.input, output_tokens: usage.output, total_tokens: usage.input + usage.output };
  const tokens = usage.output > 0 ? { usage: counted } : {};
  const created = Math.floor(Date.now() / 1_000);
  if (body['stream'] === true || body['stream'] === 'true') {
    const events = images.map(({ mimeType, data: b64_json }, i) => {
      const looks = {
        background: 'auto',
        output_format: mimeType.split('/')[1] ?? 'png',
        quality: 'auto',
        size: 'auto',
      };
      return { type: completed, b64_json, created_at: created, ...looks, ...(i === images.length - 1 ? tokens : {}) };
    });
    return eventsResult(events, usage);
  }
  const data = images.map(
    ({ mimeType, data }): JsonObject =>
      body['response_format'] === 'url' ? { url: `data:${mimeType};base64,${data}` } : { b64_json: data },
  );
  return { json: { created, data, ...tokens }, usage };
}

function predictionsOf({ json }: AdaptedReply): { mimeType: string; data: string }[] {
  const predictions = json?.['predictions'];
  if (!Array.isArray(predictions)) return [];
  return predictions
    .filter(isObject)
    .flatMap(({ bytesBase64Encoded: data, mimeType }) =>
      typeof data === 'string' ? [{ data, mimeType: typeof mimeType === 'string' ? mimeType : 'image/png' }] : [],
    );
}

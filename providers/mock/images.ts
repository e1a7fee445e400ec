import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import type { JsonObject } from '../../plugin-sdk/index.ts';
import { countTokens } from './count-tokens.ts';
import { type Form, textField } from './form.ts';

const side = 64;

/** Pictures of one colour, which the prompt decides. */
export function answerImages(form: Form, created: number): JsonObject {
  const prompt = textField(form, 'prompt') ?? '';
  const count = Math.min(10, Math.max(1, Number(form.fields.get('n') ?? 1) || 1));
  const data = Array.from({ length: count }, (_, i) => {
    const image = pictureOf(`${prompt}#${i}`).toString('base64');
    return textField(form, 'response_format') === 'url'
      ? { url: `data:image/png;base64,${image}` }
      : { b64_json: image };
  });
  return { created, data, usage: imageUsage(prompt, count) };
}

/** The events of a streamed picture: one or more partial ones, then the whole. */
export function streamImages(form: Form, created: number): { name: string; value: JsonObject }[] {
  const prompt = textField(form, 'prompt') ?? '';
  const image = pictureOf(`${prompt}#0`).toString('base64');
  const common = {
    b64_json: image,
    background: 'opaque',
    created_at: created,
    output_format: 'png',
    quality: 'low',
    size: '1024x1024',
  };
  const partials = Math.min(3, Number(form.fields.get('partial_images') ?? 0) || 0);
  const events = Array.from({ length: partials }, (_, i) => {
    const name = 'image_generation.partial_image';
    return { name, value: { type: name, partial_image_index: i, ...common } as JsonObject };
  });
  const name = 'image_generation.completed';
  return [...events, { name, value: { type: name, ...common, usage: imageUsage(prompt, 1) } }];
}

function imageUsage(prompt: string, count: number): JsonObject {
  const input = countTokens(prompt);
  const output = 64 * count;
  return {
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    input_tokens_details: { text_tokens: input, image_tokens: 0 },
  };
}

/** A PNG (ISO/IEC 15948) of 64 × 64 pixels. */
export function pictureOf(seed: string): Buffer {
  const colour = createHash('sha256').update(seed).digest().subarray(0, 3);
  const row = Buffer.concat([Buffer.from([0]), ...Array.from({ length: side }, () => colour)]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  // Eight bits a channel, red, green and blue.
  header.set([8, 2], 8);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: side }, () => row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

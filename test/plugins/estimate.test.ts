import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BytesBody,
  GatewayRequest,
  type JsonObject,
  noBody,
  type Operation,
  RequestHeaders,
} from '../../plugin-sdk/index.ts';
import { estimate } from '../../plugins/governance/estimate.ts';
import { governanceOptions } from '../../plugins/governance/options.ts';

const { estimates } = governanceOptions.parse({});

function of(body: JsonObject | Buffer | undefined, operation: Operation = 'chat', contentType = 'application/json') {
  const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const request = new GatewayRequest(
    'POST',
    '/x',
    '',
    new RequestHeaders([]),
    bytes === undefined ? noBody : new BytesBody(bytes, contentType),
  );
  return estimate(request, operation, estimates);
}

const user = (content: JsonObject['content']) => ({ model: 'm', messages: [{ role: 'user', content }] }) as JsonObject;

test('bounds text by its bytes and output by the limit of every dialect', () => {
  const text = of({ ...user('word '.repeat(1_000)), max_tokens: 300, n: 3 });
  assert.ok(text.inputTokens > 2_000 && text.inputTokens < 3_000, `${text.inputTokens}`);
  assert.deepEqual([text.outputTokens, text.outputStated], [900, true]);
  const limits: [JsonObject, number][] = [
    [{ max_completion_tokens: 7 }, 7],
    [{ max_output_tokens: 8 }, 8],
    [{ generationConfig: { maxOutputTokens: 9, candidateCount: 2 } }, 18],
    [{ inferenceConfig: { maxTokens: 10 } }, 10],
    [{ options: { num_predict: 11 } }, 11],
  ];
  for (const [body, expected] of limits) assert.equal(of(body).outputTokens, expected);
});

test('reserves a default where no limit is stated, and nothing where there is no output', () => {
  assert.deepEqual([of(user('hi')).outputTokens, of(user('hi')).outputStated], [4_096, false]);
  assert.deepEqual([of({ max_tokens: -5 }).outputStated, of({ max_tokens: 'x' }).outputStated], [false, false]);
  assert.equal(of({ model: 'm', input: 'text' }, 'embeddings').outputTokens, 0);
  assert.equal(of(undefined, 'files').inputTokens, 0);
});

test('counts media by their kind, not by their bytes', () => {
  const data = 'A'.repeat(2_000_000);
  const image = of(user([{ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } }] as never));
  assert.ok(image.inputTokens >= 5_000 && image.inputTokens < 5_500, `${image.inputTokens}`);
  const anthropic = of(user([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data } }] as never));
  assert.ok(anthropic.inputTokens >= 5_000 && anthropic.inputTokens < 5_500, `${anthropic.inputTokens}`);
  const gemini = of({ contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data } }] }] } as never);
  assert.ok(gemini.inputTokens >= 5_000 && gemini.inputTokens < 5_500, `${gemini.inputTokens}`);
  const audio = of(user([{ type: 'input_audio', input_audio: { data, format: 'mp3' } }] as never));
  assert.ok(audio.inputTokens > 30_000 && audio.inputTokens < 33_000, `${audio.inputTokens}`);
  const pdf = of(
    user([{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } }] as never),
  );
  assert.ok(pdf.inputTokens > 390_000, `${pdf.inputTokens}`);
  const named = of(user([{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] as never));
  assert.ok(named.inputTokens >= 5_000, `${named.inputTokens}`);
  const file = of(user([{ type: 'file', file: { file_id: 'file-1' } }] as never));
  assert.ok(file.inputTokens >= 50_000, `${file.inputTokens}`);
});

test('still counts a long text that looks like no media by its bytes', () => {
  const text = of(user(`"image" ${'lorem ipsum '.repeat(10_000)}`));
  assert.ok(text.inputTokens >= 60_000, `${text.inputTokens}`);
});

test('counts images, characters and seconds where these are charged', () => {
  const made = of({ model: 'm', prompt: 'a cat', n: 2, size: '1024x1024', quality: 'high' }, 'images.generate');
  assert.deepEqual([made.images, made.imageSize, made.imageQuality], [2, '1024x1024', 'high']);
  const form = ['n', '3', 'size', '512x512'];
  const parts = [0, 2].map((i) => `--b\r\ncontent-disposition: form-data; name="${form[i]}"\r\n\r\n${form[i + 1]}\r\n`);
  const edited = of(Buffer.from(`${parts.join('')}--b--\r\n`), 'images.edit', 'multipart/form-data; boundary=b');
  assert.deepEqual([edited.images, edited.imageSize], [3, '512x512']);
  assert.equal(of({ model: 'm', input: 'hello', voice: 'x' }, 'audio.speech').characters, 5);
  assert.equal(of(Buffer.alloc(200_000), 'audio.transcription', 'multipart/form-data; boundary=b').audioSeconds, 100);
});

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

test('assumes a large maximum where no limit is stated, for each answer, and none where there is no output', () => {
  assert.deepEqual([of(user('hi')).outputTokens, of(user('hi')).outputStated], [128_000, false]);
  assert.equal(of({ ...user('hi'), n: 3 }).outputTokens, 3 * 128_000);
  assert.deepEqual([of({ max_tokens: -5 }).outputStated, of({ max_tokens: 'x' }).outputStated], [false, false]);
  assert.equal(of({ model: 'm', input: 'text' }, 'embeddings').outputTokens, 0);
  assert.equal(of(undefined, 'files').inputTokens, 0);
  const stored = of({ name: 'a store' }, 'resources');
  assert.deepEqual([stored.outputTokens, stored.outputStated], [estimates.outputTokens, true]);
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

test("adds room for what the provider's own tools and its stored conversations may add to the input", () => {
  const withTool = (tool: JsonObject) => of({ ...user('hi'), tools: [tool] }).inputTokens;
  const own: JsonObject[] = [
    { type: 'web_search_20250305', name: 'web_search' },
    { type: 'code_interpreter', container: { type: 'auto' } },
    { type: 'mcp', server_url: 'https://example.com' },
    { googleSearch: {} },
    { url_context: {} },
  ];
  for (const tool of own) assert.ok(withTool(tool) >= estimates.providerTools, JSON.stringify(tool));
  const callers: JsonObject[] = [
    { type: 'function', function: { name: 'web_search' } },
    { name: 'web_search', input_schema: {} },
    { type: 'bash_20250124', name: 'bash' },
    { functionDeclarations: [] },
  ];
  for (const tool of callers) assert.ok(withTool(tool) < 2_000, JSON.stringify(tool));
  const goesOn: JsonObject[] = [
    { previous_response_id: 'resp_1' },
    { conversation: { id: 'conv_1' } },
    { cachedContent: 'cachedContents/1' },
    { prompt: { id: 'pmpt_1' } },
  ];
  for (const more of goesOn) assert.ok(of({ ...user('hi'), ...more }).inputTokens >= estimates.storedContext);
  assert.ok(of({ model: 'm', prompt: 'hi', previous_response_id: null }).inputTokens < 200);
});

test('counts a text document and the signature of a thought by their bytes', () => {
  const text = Buffer.from('word '.repeat(4_000)).toString('base64');
  const document = of({ contents: [{ parts: [{ inlineData: { mimeType: 'text/plain', data: text } }] }] } as never);
  assert.ok(document.inputTokens >= 10_000, `${document.inputTokens}`);
  const signed = of({ contents: [{ parts: [{ inlineData: {} }, { thoughtSignature: 'A'.repeat(20_000) }] }] } as never);
  assert.ok(signed.inputTokens >= 10_000, `${signed.inputTokens}`);
});

test('counts a file that lies elsewhere, however the dialect names its place', () => {
  const video = { video: { format: 'mp4', source: { s3Location: { uri: 's3://bucket/a.mp4' } } } };
  assert.ok(of(user([video] as never)).inputTokens >= estimates.file);
});

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type OpenAI from 'openai';
import { toFile } from 'openai';
import { floats, type ProviderGateway, providerGateway } from './provider-gateway.ts';

const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 4, thoughtsTokenCount: 6, totalTokenCount: 20 };
const generated = (parts: object[], finishReason: string | undefined = 'STOP') => ({
  candidates: [
    { index: 0, content: { role: 'model', parts }, ...(finishReason === undefined ? {} : { finishReason }) },
  ],
  usageMetadata,
  modelVersion: 'gemini-3-flash',
  responseId: 'resp-1',
});
const textStream = [
  { ...generated([{ text: 'Hel' }]), candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'Hel' }] } }] },
  generated([{ text: 'lo' }]),
];
const ask = { model: 'gemini/gemini-3-flash', messages: [{ role: 'user' as const, content: 'Hi' }] };
const tools: OpenAI.ChatCompletionTool[] = [
  {
    type: 'function',
    function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  },
];

suite('gemini', () => {
  let gateway: ProviderGateway;
  before(async () => {
    gateway = await providerGateway('providers/gemini');
  });
  after(() => gateway?.close());

  test('sends a chat to generateContent with its own key', async () => {
    gateway.upstream.reply({ json: generated([{ text: 'Hello' }]) });
    const answer = await gateway.client.chat.completions.create({ ...ask, max_tokens: 50, temperature: 0.3 });
    const { method, url, headers, json } = gateway.last();
    assert.equal(`${method} ${url}`, 'POST /v1beta/models/gemini-3-flash:generateContent');
    assert.equal(headers['x-goog-api-key'], 'sk-upstream');
    assert.equal(headers['authorization'], undefined);
    assert.deepEqual(json, {
      contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
      generationConfig: { temperature: 0.3, maxOutputTokens: 50 },
    });
    assert.equal(answer.choices[0]!.message.content, 'Hello');
    assert.deepEqual(
      [
        answer.usage!.prompt_tokens,
        answer.usage!.completion_tokens,
        answer.usage!.completion_tokens_details!.reasoning_tokens,
      ],
      [10, 10, 6],
    );
  });

  test('streams through streamGenerateContent, and ends with [DONE] only for the OpenAI client', async () => {
    gateway.upstream.reply({ events: textStream }, { events: textStream });
    const chat = await gateway.client.chat.completions.stream(ask).finalContent();
    assert.equal(chat, 'Hello');
    assert.equal(gateway.last().url, '/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse');
    const response = await gateway.client.responses.stream({ model: ask.model, input: 'Hi' }).finalResponse();
    assert.equal(response.output_text, 'Hello');
  });

  test('streams the citations of a text whose last chunk also signs it', async () => {
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: 'https://example.com/', title: 'Example' } }],
      groundingSupports: [{ segment: { endIndex: 5, text: 'Hello' }, groundingChunkIndices: [0] }],
    };
    const last = generated([{ text: 'lo' }, { text: '', thoughtSignature: 'c2ln' }]);
    const events = [textStream[0]!, { ...last, candidates: [{ ...last.candidates[0], groundingMetadata }] }];
    gateway.upstream.reply({ events }, { events });
    const annotations: unknown[] = [];
    let signature: unknown;
    const stream = await gateway.client.chat.completions.create({ ...ask, web_search_options: {}, stream: true });
    for await (const { choices } of stream) {
      const delta = choices[0]?.delta as { annotations?: object[]; reasoning_details?: { signature: string }[] };
      annotations.push(...(delta?.annotations ?? []));
      signature = delta?.reasoning_details?.[0]?.signature ?? signature;
    }
    const place = { url: 'https://example.com/', title: 'Example', start_index: 0, end_index: 5 };
    assert.deepEqual(annotations, [{ type: 'url_citation', url_citation: { ...place, content: 'Hello' } }]);
    assert.equal(signature, 'c2ln');
    const response = await gateway.client.responses
      .stream({ model: ask.model, input: 'Hi', tools: [{ type: 'web_search' }] })
      .finalResponse();
    const said = response.output.find((item) => item.type === 'message')!.content[0]!;
    assert.ok(said.type === 'output_text');
    assert.deepEqual(said.annotations, [{ type: 'url_citation', ...place }]);
  });

  test('brings thought signatures back through a plain OpenAI tool loop', async () => {
    const call = {
      functionCall: { name: 'weather', args: { city: 'Paris' }, id: 'c1' },
      thoughtSignature: 'dGhvdWdodA==',
    };
    gateway.upstream.reply({ json: generated([call]) }, { json: generated([{ text: 'Sunny.' }]) });
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Weather in Paris?' }];
    const first = await gateway.client.chat.completions.create({ model: ask.model, messages, tools });
    assert.equal(first.choices[0]!.finish_reason, 'tool_calls');
    const said = first.choices[0]!.message;
    messages.push(said, { role: 'tool', tool_call_id: said.tool_calls![0]!.id, content: '{"sky":"clear"}' });
    await gateway.client.chat.completions.create({ model: ask.model, messages, tools });
    const { contents } = gateway.last().json as { contents: { role: string; parts: Record<string, unknown>[] }[] };
    assert.deepEqual(contents[1]!.parts, [call]);
    assert.equal((contents[2]!.parts[0]!['functionResponse'] as { name: string }).name, 'weather');
  });

  test('brings thought signatures back when the loop was streamed', async () => {
    const call = {
      functionCall: { name: 'weather', args: { city: 'Paris' }, id: 'c1' },
      thoughtSignature: 'dGhvdWdodA==',
    };
    gateway.upstream.reply({ events: [generated([call])] }, { json: generated([{ text: 'Sunny.' }]) });
    const calls: Record<string, unknown>[] = [];
    for await (const chunk of await gateway.client.chat.completions.create({ ...ask, tools, stream: true })) {
      for (const { index, ...rest } of chunk.choices[0]?.delta.tool_calls ?? []) {
        const known = (calls[index] ??= { function: { name: '', arguments: '' } });
        const text = ((known['function'] as { arguments: string }).arguments ?? '') + (rest.function?.arguments ?? '');
        calls[index] = {
          ...known,
          ...rest,
          function: { ...(known['function'] as object), ...rest.function, arguments: text },
        };
      }
    }
    const messages = [
      ...ask.messages,
      { role: 'assistant', content: null, tool_calls: calls },
      { role: 'tool', tool_call_id: String(calls[0]!['id']), content: 'sunny' },
    ] as unknown as OpenAI.ChatCompletionMessageParam[];
    await gateway.client.chat.completions.create({ model: ask.model, messages, tools });
    const { contents } = gateway.last().json as { contents: { parts: object[] }[] };
    assert.deepEqual(contents[1]!.parts, [call]);
  });

  test('brings thought signatures back through a loop of responses', async () => {
    const call = {
      functionCall: { name: 'weather', args: { city: 'Paris' }, id: 'c1' },
      thoughtSignature: 'dGhvdWdodA==',
    };
    gateway.upstream.reply({ json: generated([call]) }, { json: generated([{ text: 'Sunny.' }]) });
    const functions = [{ type: 'function' as const, name: 'weather', parameters: {}, strict: false }];
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Weather in Paris?' }];
    const first = await gateway.client.responses.create({ model: ask.model, input, tools: functions });
    const used = first.output.find((item) => item.type === 'function_call')!;
    input.push(...(first.output as OpenAI.Responses.ResponseInputItem[]), {
      type: 'function_call_output',
      call_id: used.call_id,
      output: 'sunny',
    });
    await gateway.client.responses.create({ model: ask.model, input, tools: functions });
    const { contents } = gateway.last().json as { contents: { parts: object[] }[] };
    assert.deepEqual(contents[1]!.parts, [call]);
  });

  test('embeds by batch, as base64 unless the client asks for numbers', async () => {
    const embeddings = [{ values: [0.5, -1] }, { values: [0.25, 2] }];
    gateway.upstream.always({ json: { embeddings, usageMetadata: { promptTokenCount: 3 } } });
    const body = { model: 'gemini/gemini-embedding-001', input: ['a', 'b'], dimensions: 2 };
    const decoded = await gateway.client.embeddings.create(body);
    assert.deepEqual(
      decoded.data.map(({ embedding }) => [...embedding]),
      [floats(0.5, -1), floats(0.25, 2)],
    );
    assert.equal(decoded.usage.prompt_tokens, 3);
    const { url, json } = gateway.last();
    assert.equal(url, '/v1beta/models/gemini-embedding-001:batchEmbedContents');
    const shared = { model: 'models/gemini-embedding-001', outputDimensionality: 2 };
    assert.deepEqual(json, {
      requests: ['a', 'b'].map((text) => ({ ...shared, content: { parts: [{ text }] } })),
    });
    const raw = await fetch(`${gateway.url}/openai/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, encoding_format: 'base64' }),
    });
    const { data } = (await raw.json()) as { data: { embedding: string }[] };
    assert.deepEqual(
      [...new Float32Array(new Uint8Array(Buffer.from(data[1]!.embedding, 'base64')).buffer)],
      [0.25, 2],
    );
    const numbers = await gateway.client.embeddings.create({ ...body, encoding_format: 'float' });
    assert.deepEqual(numbers.data[0]!.embedding, [0.5, -1]);
  });

  test('refuses token ids to embed, naming the field', async () => {
    const asked = gateway.client.embeddings.create({ model: 'gemini/gemini-embedding-001', input: [1, 2] });
    await assert.rejects(
      asked,
      (error: InstanceType<typeof OpenAI.APIError>) => error.status === 400 && error.param === 'input',
    );
  });

  test('makes images with an image model, one call an image', async () => {
    gateway.upstream.always({
      json: generated([{ text: 'Here.' }, { inlineData: { mimeType: 'image/png', data: 'aW1n' } }]),
    });
    const before = gateway.upstream.requests.length;
    const images = await gateway.client.images.generate({
      model: 'gemini/gemini-3-image',
      prompt: 'A cat',
      n: 2,
      size: '1536x1024',
    });
    assert.deepEqual(images.data, [{ b64_json: 'aW1n' }, { b64_json: 'aW1n' }]);
    assert.equal(images.usage!.total_tokens, 40);
    assert.equal(gateway.upstream.requests.length - before, 2);
    const config = { responseModalities: ['TEXT', 'IMAGE'], imageConfig: { aspectRatio: '3:2' } };
    assert.deepEqual((gateway.last().json as { generationConfig: object }).generationConfig, config);
  });

  test('makes images with Imagen by predict', async () => {
    gateway.upstream.always({ json: { predictions: [{ bytesBase64Encoded: 'aW1n', mimeType: 'image/png' }] } });
    const images = await gateway.client.images.generate({
      model: 'gemini/imagen-4',
      prompt: 'A cat',
      response_format: 'url',
    });
    assert.equal(images.data![0]!.url, 'data:image/png;base64,aW1n');
    assert.equal(gateway.last().url, '/v1beta/models/imagen-4:predict');
  });

  test('edits an image that was uploaded', async () => {
    gateway.upstream.always({ json: generated([{ inlineData: { mimeType: 'image/png', data: 'aW1n' } }]) });
    const image = await toFile(Buffer.from([0x89, 0x50]), 'cat.png', { type: 'image/png' });
    await gateway.client.images.edit({ model: 'gemini/gemini-3-image', image: [image], prompt: 'Add a hat' });
    const { contents } = gateway.last().json as { contents: { parts: object[] }[] };
    assert.deepEqual(contents[0]!.parts, [
      { inlineData: { mimeType: 'image/png', data: 'iVA=' } },
      { text: 'Add a hat' },
    ]);
  });

  test('speaks, as WAV around the PCM that Google sends, and says that it is no mp3', async () => {
    const pcm = Buffer.from([1, 0, 2, 0]);
    const part = { inlineData: { mimeType: 'audio/L16;codec=pcm;rate=24000', data: pcm.toString('base64') } };
    gateway.upstream.always({ json: generated([part]) });
    const speech = { model: 'gemini/gemini-2.5-flash-preview-tts', input: 'Hi', voice: 'Kore' } as const;
    const spoken = await gateway.client.audio.speech.create({ ...speech, response_format: 'mp3' });
    const bytes = Buffer.from(await spoken.arrayBuffer());
    assert.equal(spoken.headers.get('content-type'), 'audio/wav');
    assert.equal(spoken.headers.get('x-bf-lossy'), 'response_format');
    assert.equal(bytes.toString('latin1', 0, 4), 'RIFF');
    assert.equal(bytes.readUInt32LE(24), 24_000);
    assert.deepEqual(bytes.subarray(44), pcm);
    const raw = await gateway.client.audio.speech.create({ ...speech, response_format: 'pcm' });
    assert.deepEqual(Buffer.from(await raw.arrayBuffer()), pcm);
    const { generationConfig } = gateway.last().json as { generationConfig: { speechConfig: object } };
    assert.deepEqual(generationConfig.speechConfig, { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } });
  });

  test('writes down speech', async () => {
    gateway.upstream.always({ json: generated([{ text: 'Hello there.\n' }]) });
    const file = await toFile(Buffer.from('RIFF'), 'speech.wav', { type: 'audio/wav' });
    const written = await gateway.client.audio.transcriptions.create({
      model: 'gemini/gemini-3-flash',
      file,
      language: 'en',
    });
    assert.equal(written.text, 'Hello there.');
    const { contents } = gateway.last().json as { contents: { parts: { inlineData?: object; text?: string }[] }[] };
    assert.deepEqual(contents[0]!.parts[0]!.inlineData, { mimeType: 'audio/wav', data: 'UklGRg==' });
    const text = await gateway.client.audio.transcriptions.create({
      model: 'gemini/gemini-3-flash',
      file,
      response_format: 'text',
    });
    assert.equal(text, 'Hello there.\n');
    const subtitles = gateway.client.audio.transcriptions.create({
      model: 'gemini/gemini-3-flash',
      file,
      response_format: 'srt',
    });
    await assert.rejects(subtitles, (error: InstanceType<typeof OpenAI.APIError>) => error.param === 'response_format');
  });

  test('streams images as whole ones, and says that there are no partial ones', async () => {
    gateway.upstream.always({ json: generated([{ inlineData: { mimeType: 'image/png', data: 'aW1n' } }]) });
    const asked = { model: 'gemini/gemini-3-image', prompt: 'A cat', stream: true, partial_images: 2 } as const;
    const { data: made, response } = await gateway.client.images.generate(asked).withResponse();
    const events = [];
    for await (const event of made) events.push(event);
    assert.equal(response.headers.get('x-bf-lossy'), 'partial_images');
    assert.deepEqual(
      events.map(({ type, b64_json }) => [type, b64_json]),
      [['image_generation.completed', 'aW1n']],
    );
    const image = await toFile(Buffer.from([0x89, 0x50]), 'cat.png', { type: 'image/png' });
    const edit = { model: 'gemini/gemini-3-image', image: [image], prompt: 'Add a hat', stream: true as const };
    const edited = [];
    for await (const event of await gateway.client.images.edit(edit)) edited.push(event.type);
    assert.deepEqual(edited, ['image_edit.completed']);
  });

  test('streams speech and what is written down of it, each in one piece', async () => {
    const pcm = Buffer.from([1, 0, 2, 0]);
    const part = { inlineData: { mimeType: 'audio/L16;codec=pcm;rate=24000', data: pcm.toString('base64') } };
    gateway.upstream.always({ json: generated([part]) });
    const spoken = await gateway.client.audio.speech.create({
      model: 'gemini/gemini-2.5-flash-preview-tts',
      input: 'Hi',
      voice: 'Kore',
      response_format: 'pcm',
      stream_format: 'sse',
    });
    assert.match(spoken.headers.get('content-type')!, /^text\/event-stream/);
    const lines = (await spoken.text()).split('\n').filter((line) => line.startsWith('data: '));
    const sounds = lines.map((line) => JSON.parse(line.slice(6)) as { type: string; audio?: string });
    assert.deepEqual(
      sounds.map(({ type, audio }) => [type, audio]),
      [
        ['speech.audio.delta', pcm.toString('base64')],
        ['speech.audio.done', undefined],
      ],
    );
    gateway.upstream.always({ json: generated([{ text: 'Hello there.\n' }]) });
    const file = await toFile(Buffer.from('RIFF'), 'speech.wav', { type: 'audio/wav' });
    const stream = await gateway.client.audio.transcriptions.create({
      model: 'gemini/gemini-3-flash',
      file,
      stream: true,
    });
    const events = [];
    for await (const event of stream) events.push(event);
    assert.deepEqual(
      events.map((event) => [event.type, 'delta' in event ? event.delta : 'text' in event && event.text]),
      [
        ['transcript.text.delta', 'Hello there.'],
        ['transcript.text.done', 'Hello there.'],
      ],
    );
  });

  test('counts input tokens with the provider', async () => {
    gateway.upstream.always({ json: { totalTokens: 7 } });
    const counted = await gateway.client.responses.inputTokens.count({ model: 'gemini/gemini-3-flash', input: 'Hi' });
    assert.equal(counted.input_tokens, 7);
    assert.equal(gateway.last().url, '/v1beta/models/gemini-3-flash:countTokens');
  });

  test('lists the models of the provider', async () => {
    gateway.upstream.always({ json: { models: [{ name: 'models/gemini-3-flash' }] } });
    const models = await gateway.client.models.list();
    assert.deepEqual(models.data, [{ id: 'gemini/gemini-3-flash', object: 'model', created: 0, owned_by: 'google' }]);
    assert.equal(gateway.last().url, '/v1beta/models?pageSize=1000');
  });

  test('does not fetch an image from an internal address', async () => {
    const content: OpenAI.ChatCompletionContentPart[] = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: `${gateway.upstream.url}/cat.png` } },
    ];
    const before = gateway.upstream.requests.length;
    const asked = gateway.client.chat.completions.create({ ...ask, messages: [{ role: 'user', content }] });
    await assert.rejects(asked, (error: InstanceType<typeof OpenAI.APIError>) => error.status === 403);
    assert.equal(gateway.upstream.requests.length, before);
  });
});

test('reports a bad API key as 401, although Google says 400', async () => {
  await using gateway = await providerGateway('providers/gemini');
  const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }];
  gateway.upstream.always({
    status: 400,
    json: { error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT', details } },
  });
  await assert.rejects(gateway.client.chat.completions.create(ask), (error: InstanceType<typeof OpenAI.APIError>) => {
    assert.deepEqual([error.status, error.type, error.code], [401, 'authentication_error', 'invalid_api_key']);
    return true;
  });
});

test('reports an image that cannot be fetched as the fault of the request, naming its place', async () => {
  await using gateway = await providerGateway('providers/gemini');
  for (const url of ['https://bifrost-kernel.invalid/cat.png', 'http://%%/cat.png']) {
    const content = [{ type: 'image_url' as const, image_url: { url } }];
    const asked = gateway.client.chat.completions.create({ ...ask, messages: [{ role: 'user', content }] });
    await assert.rejects(asked, (error: InstanceType<typeof OpenAI.APIError>) => {
      assert.deepEqual([error.status, error.param], [400, 'messages[0].content[0]']);
      return true;
    });
  }
  assert.equal(gateway.upstream.requests.length, 0);
});

test("reports a failed embedding in OpenAI's shape too", async () => {
  await using gateway = await providerGateway('providers/gemini');
  const error = { code: 404, message: 'models/none is not found.', status: 'NOT_FOUND' };
  gateway.upstream.always({ status: 404, json: { error } });
  const asked = gateway.client.embeddings.create({ model: 'gemini/none', input: 'Hi' });
  await assert.rejects(asked, (caught: InstanceType<typeof OpenAI.APIError>) => {
    assert.deepEqual([caught.status, caught.type, caught.code], [404, 'not_found_error', 'model_not_found']);
    return true;
  });
});

test('reports an exhausted quota as 429 with the wait that Google names', async () => {
  await using gateway = await providerGateway('providers/gemini');
  const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34s' }];
  gateway.upstream.always({
    status: 429,
    json: { error: { code: 429, message: 'Quota.', status: 'RESOURCE_EXHAUSTED', details } },
  });
  await assert.rejects(gateway.client.chat.completions.create(ask), (error: InstanceType<typeof OpenAI.APIError>) => {
    assert.deepEqual([error.status, error.type, error.code], [429, 'rate_limit_error', 'rate_limit_exceeded']);
    assert.equal(error.headers!.get('retry-after'), '34');
    return true;
  });
});

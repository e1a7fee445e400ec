import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import OpenAI6 from 'openai-6';
import { type RunningGateway, startGateway } from '../../plugin-sdk/testing/index.ts';

let gateway: RunningGateway;

before(async () => {
  gateway = await startGateway({ plugins: { 'routes/openai': {}, 'providers/mock': {} } });
});

after(() => gateway?.close());

const sdks = [
  ['openai', () => new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'none', maxRetries: 0 })],
  [
    'openai-6',
    () => new OpenAI6({ baseURL: `${gateway.url}/openai`, apiKey: 'none', maxRetries: 0 }) as unknown as OpenAI,
  ],
] as const;

for (const [name, client] of sdks) {
  suite(`what the mock makes besides text, called with ${name}`, () => {
    test('embeds the same text as the same unit vector', async () => {
      const { data } = await client().embeddings.create({ model: 'mock/mock', input: ['a', 'b', 'a'], dimensions: 64 });
      const [a, b, again] = data.map(({ embedding }) => embedding);
      assert.equal(a?.length, 64);
      assert.deepEqual(a, again);
      assert.notDeepEqual(a, b);
      assert.ok(Math.abs(a!.reduce((sum, value) => sum + value ** 2, 0) - 1) < 1e-5);
      const floats = await client().embeddings.create({
        model: 'mock/mock',
        input: 'a',
        dimensions: 64,
        encoding_format: 'float',
      });
      assert.deepEqual(floats.data[0]?.embedding, a);
    });

    test('keeps files until they are deleted', async () => {
      const headers = { 'x-model-provider': 'mock' };
      const file = await client().files.create(
        { file: await toFile(Buffer.from('hello'), 'a.txt'), purpose: 'user_data' },
        { headers },
      );
      assert.deepEqual([file.filename, file.bytes, file.purpose], ['a.txt', 5, 'user_data']);
      assert.equal((await client().files.retrieve(file.id, { headers })).id, file.id);
      assert.equal(await (await client().files.content(file.id, { headers })).text(), 'hello');
      assert.ok((await client().files.list({}, { headers })).data.some(({ id }) => id === file.id));
      assert.equal((await client().files.delete(file.id, { headers })).deleted, true);
      await assert.rejects(client().files.retrieve(file.id, { headers }), { status: 404 });
    });

    test('completes a batch at once', async () => {
      const headers = { 'x-model-provider': 'mock' };
      const body = { model: 'echo', messages: [{ role: 'user', content: 'in a batch' }] };
      const line = JSON.stringify({ custom_id: 'one', method: 'POST', url: '/v1/chat/completions', body });
      const file = await client().files.create(
        { file: await toFile(Buffer.from(`${line}\n`), 'in.jsonl'), purpose: 'batch' },
        { headers },
      );
      const batch = await client().batches.create(
        { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' },
        { headers },
      );
      assert.equal(batch.status, 'completed');
      assert.equal((await client().batches.retrieve(batch.id, { headers })).request_counts?.completed, 1);
      const output = await (await client().files.content(batch.output_file_id!, { headers })).text();
      assert.equal(JSON.parse(output).response.body.choices[0].message.content, 'in a batch');
    });

    test('draws a PNG', async () => {
      const { data } = await client().images.generate({ model: 'mock/mock', prompt: 'a cat' });
      const png = Buffer.from(data?.[0]?.b64_json ?? '', 'base64');
      assert.equal(png.subarray(1, 4).toString(), 'PNG');
      const edited = await client().images.edit({
        model: 'mock/mock',
        prompt: 'a dog',
        image: await toFile(png, 'cat.png', { type: 'image/png' }),
      });
      assert.equal(edited.data?.length, 1);
    });

    test('speaks WAV and MP3', async () => {
      const wav = await client().audio.speech.create({
        model: 'mock/mock',
        voice: 'alloy',
        input: 'Hello',
        response_format: 'wav',
      });
      assert.equal(wav.headers.get('content-type'), 'audio/wav');
      const bytes = Buffer.from(await wav.arrayBuffer());
      assert.equal(bytes.toString('latin1', 0, 4), 'RIFF');
      assert.equal(bytes.readUInt32LE(4), bytes.length - 8);
      const mp3 = await client().audio.speech.create({ model: 'mock/mock', voice: 'alloy', input: 'Hello' });
      assert.equal(mp3.headers.get('content-type'), 'audio/mpeg');
    });

    test('transcribes into every format', async () => {
      const file = await toFile(Buffer.alloc(64_000), 'talk.wav', { type: 'audio/wav' });
      const ask = { model: 'mock/mock', file };
      const text = 'Mock transcript of talk.wav with 64000 bytes.';
      assert.equal((await client().audio.transcriptions.create(ask)).text, text);
      assert.equal(await client().audio.transcriptions.create({ ...ask, response_format: 'text' }), `${text}\n`);
      assert.match(
        String(await client().audio.transcriptions.create({ ...ask, response_format: 'srt' })),
        /00:00:02,000/,
      );
      assert.match(String(await client().audio.transcriptions.create({ ...ask, response_format: 'vtt' })), /^WEBVTT/);
      assert.equal(
        (await client().audio.transcriptions.create({ ...ask, response_format: 'verbose_json' })).duration,
        2,
      );
      let streamed = '';
      for await (const event of await client().audio.transcriptions.create({ ...ask, stream: true })) {
        if (event.type === 'transcript.text.delta') streamed += event.delta;
      }
      assert.equal(streamed, text);
    });

    test('moderates by plain words', async () => {
      const { results } = await client().moderations.create({ model: 'mock/mock', input: ['a nice day', 'to kill'] });
      assert.deepEqual(
        results.map(({ flagged }) => flagged),
        [false, true],
      );
    });
  });
}

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import OpenAI from 'openai';
import type { Runtime } from '../../kernel/execute/context.ts';
import { inlineMedia } from '../../kernel/execute/inline-media.ts';
import { Pool } from '../../kernel/upstream/connections.ts';
import type { Conversation } from '../../plugin-sdk/index.ts';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

const pdf = 'https://files.example/report.pdf';
const text = { type: 'text' as const, text: 'Sum it up.' };
/** OpenAI's chat has no URL of a file; clients write it as in responses, or as OpenRouter reads it. */
const filePart = (file: Record<string, unknown>) => ({ type: 'file', file }) as never;

suite('files at URLs', () => {
  let upstream: Upstream;
  let gateway: RunningGateway;
  let client: OpenAI;
  before(async () => {
    upstream = await startUpstream();
    upstream.always({ json: {} });
    const names = ['anthropic', 'gemini', 'bedrock', 'mistral', 'openrouter', 'together'];
    gateway = await startGateway({
      plugins: {
        'routes/openai': {},
        ...Object.fromEntries(names.map((name) => [`providers/${name}`, upstream.provider()])),
        'providers/vertex': upstream.provider({ keys: [{ name: 'main', value: 'ya29.token', project: 'p' }] }),
      },
    });
    client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'sk-of-the-client', maxRetries: 0 });
  });
  after(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  /** What the provider is sent, whatever becomes of the answer. */
  async function sent(model: string, file: Record<string, unknown>): Promise<unknown> {
    const messages = [{ role: 'user' as const, content: [filePart(file), text] }];
    const before = upstream.requests.length;
    await client.chat.completions.create({ model, messages }).catch(() => {});
    assert.equal(upstream.requests.length, before + 1);
    return upstream.requests.at(-1)!.json;
  }

  test('reach Claude as documents by URL', async () => {
    for (const file of [
      { file_url: pdf, filename: 'report.pdf' },
      { file_data: pdf, filename: 'report.pdf' },
    ]) {
      const { messages } = (await sent('anthropic/claude-sonnet-4-5', file)) as { messages: { content: unknown[] }[] };
      assert.deepEqual(messages[0]!.content[0], {
        type: 'document',
        source: { type: 'url', url: pdf },
        title: 'report.pdf',
      });
    }
  });

  test('reach Gemini on Vertex as file data by URL', async () => {
    const { contents } = (await sent('vertex/gemini-2.5-pro', { file_url: pdf })) as {
      contents: { parts: unknown[] }[];
    };
    assert.deepEqual(contents[0]!.parts[0], { fileData: { mimeType: 'application/pdf', fileUri: pdf } });
  });

  test('reach Mistral as document parts, also with their data, and sounds without a format', async () => {
    type Sent = { messages: { content: unknown[] }[] };
    const byUrl = (await sent('mistral/mistral-large-latest', { file_url: pdf, filename: 'report.pdf' })) as Sent;
    const document = { type: 'document_url', document_url: pdf, document_name: 'report.pdf' };
    assert.deepEqual(byUrl.messages[0]!.content[0], document);
    const data = 'data:application/pdf;base64,JVBERi0=';
    const byData = (await sent('mistral/mistral-large-latest', { file_data: data })) as Sent;
    assert.deepEqual(byData.messages[0]!.content[0], { type: 'document_url', document_url: data });
    const audio = { type: 'input_audio' as const, input_audio: { data: 'UklGRg==', format: 'wav' as const } };
    const messages = [{ role: 'user' as const, content: [audio] }];
    await client.chat.completions.create({ model: 'mistral/voxtral-small', messages }).catch(() => {});
    const heard = upstream.requests.at(-1)!.json as Sent;
    assert.deepEqual(heard.messages[0]!.content[0], { type: 'input_audio', input_audio: 'UklGRg==' });
  });

  test('in the stores of clouds reach the models that read them there', async () => {
    type Sent = { messages: { content: { document?: { source: object } }[] }[]; contents: { parts: object[] }[] };
    const bedrock = 'bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0';
    for (const file of [{ file_id: 's3://bucket/report.pdf' }, { file_url: 's3://bucket/report.pdf' }]) {
      const { messages } = (await sent(bedrock, file)) as Sent;
      const { source } = messages[0]!.content[0]!.document!;
      assert.deepEqual(source, { s3Location: { uri: 's3://bucket/report.pdf' } });
    }
    const { contents } = (await sent('vertex/gemini-2.5-pro', { file_url: 'gs://bucket/report.pdf' })) as Sent;
    const data = { mimeType: 'application/pdf', fileUri: 'gs://bucket/report.pdf' };
    assert.deepEqual(contents[0]!.parts[0], { fileData: data });
  });

  test('of a response reach chat providers that read URLs as such', async () => {
    const content = [{ type: 'input_file' as const, file_url: pdf }];
    await client.responses
      .create({ model: 'mistral/mistral-large-latest', input: [{ role: 'user', content }] })
      .catch(() => {});
    const { messages } = upstream.requests.at(-1)!.json as { messages: { content: unknown[] }[] };
    assert.deepEqual(messages[0]!.content, [{ type: 'document_url', document_url: pdf }]);
  });

  test('in the private network are not fetched for providers that need them inline', async () => {
    const before = upstream.requests.length;
    for (const model of ['gemini/gemini-2.5-flash', 'bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0']) {
      const messages = [
        { role: 'user' as const, content: [filePart({ file_url: `${upstream.url}/secret.pdf` }), text] },
      ];
      await assert.rejects(client.chat.completions.create({ model, messages }), {
        status: 403,
        code: 'host_not_allowed',
      });
    }
    const content = [{ type: 'input_file' as const, file_url: `${upstream.url}/secret.pdf` }];
    await assert.rejects(client.responses.create({ model: 'together/m', input: [{ role: 'user', content }] }), {
      status: 403,
      code: 'host_not_allowed',
    });
    assert.equal(upstream.requests.length, before);
  });

  test('are fetched by kind and by ending', async () => {
    upstream.always({ headers: { 'content-type': 'text/plain' }, body: Buffer.from('abc') });
    const pool = new Pool({ origin: upstream.url, privateAddresses: true, connectMs: 1_000 });
    const runtime = { connections: { to: () => pool } } as unknown as Runtime;
    const source = (url: string) => ({ kind: 'url' as const, url });
    const blocks: Conversation['messages'][number]['blocks'] = [
      { type: 'image', source: source('https://e.example/a.png') },
      { type: 'file', source: source('https://e.example/a.pdf') },
      { type: 'file', source: source('https://e.example/a.TXT?v=1') },
    ];
    const conversation: Conversation = { model: 'm', messages: [{ role: 'user', blocks }] };
    const kinds = async (wanted: Parameters<typeof inlineMedia>[1]) => {
      const { messages } = await inlineMedia(conversation, wanted, runtime, {
        stopped: undefined,
        onStop: () => () => {},
      });
      return messages[0]!.blocks.map((block) => 'source' in block && block.source.kind);
    };
    assert.deepEqual(await kinds({ kinds: ['file'] }), ['url', 'base64', 'base64']);
    assert.deepEqual(await kinds({ except: ['https:'], endings: ['.txt'] }), ['url', 'url', 'base64']);
    pool.destroy();
    upstream.always({ json: {} });
  });
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { JsonObject, JsonValue } from '../../plugin-sdk/index.ts';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';
import { type Interaction, recordings, recordingsMissing } from '../recordings.ts';

const providers = ['groq', 'mistral', 'openrouter', 'cerebras', 'deepseek', 'huggingface', 'ollama'];

let upstream: Upstream;
let gateway: RunningGateway;

before(async () => {
  upstream = await startUpstream();
  const entries = providers.map((name) => [`providers/${name}`, upstream.provider()]);
  gateway = await startGateway({ plugins: { 'routes/openai': {}, ...Object.fromEntries(entries) } });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

for (const provider of providers) {
  test(`carries every recorded exchange with ${provider}, adding nothing but reasoning_content and the type of a call`, {
    skip: recordingsMissing,
  }, async (t) => {
    let count = 0;
    for (const { file, interactions } of recordings(provider)) {
      for (const interaction of interactions) {
        const path = /\/(chat\/completions|responses)$/.exec(new URL(interaction.request.url).pathname)?.[0];
        const body = interaction.request.body as JsonObject | undefined;
        if (path === undefined || body === undefined) continue;
        const { status, text, lossy } = await replay(provider, path, body, interaction);
        assert.deepEqual(upstream.requests.at(-1)?.json, body, `${file}: the request`);
        assert.equal(lossy, null, file);
        assert.equal(status, interaction.response.status, file);
        assert.deepEqual(comparable(text), comparable(textOf(interaction)), `${file}: the reply`);
        count += 1;
      }
    }
    t.diagnostic(`${count} exchanges replayed`);
  });
}

async function replay(provider: string, path: string, body: JsonObject, interaction: Interaction) {
  const type = interaction.response.headers['content-type'];
  const contentType = String(Array.isArray(type) ? type[0] : (type ?? 'application/json'));
  const bytes = textOf(interaction);
  upstream.reply({
    status: interaction.response.status,
    headers: { 'content-type': contentType },
    ...(contentType.startsWith('text/event-stream') ? { chunks: [bytes] } : { body: bytes }),
  });
  const reply = await fetch(`${gateway.url}/openai/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, model: `${provider}/${body['model']}` }),
  });
  return { status: reply.status, text: await reply.text(), lossy: reply.headers.get('x-bf-lossy') };
}

function textOf({ response }: Interaction): string {
  return response.body === undefined ? (response.bodyText ?? '') : JSON.stringify(response.body);
}

/**
 * A reply as values: its events or its body, with reasoning under one name, mistral's lists of chunks as the words in
 * them, calls with their type, and an error's code as text.
 */
function comparable(text: string): JsonValue[] {
  const parts = text.includes('data: ')
    ? text
        .split(/\r?\n/)
        .filter((line) => line.startsWith('data: '))
        .map((line) => line.slice(6))
    : [text];
  return parts.map((part) => (part === '[DONE]' ? part : plain(JSON.parse(part))));
}

function plain(json: JsonObject): JsonObject {
  const choices = (json['choices'] as JsonObject[] | undefined)?.map((choice) => {
    const said = { ...((choice['message'] ?? choice['delta'] ?? {}) as JsonObject) };
    const chunks = said['content'];
    if (Array.isArray(chunks)) {
      const words = (chunks as JsonObject[]).map(({ text, thinking }) => [
        text ?? '',
        (thinking as JsonObject[] | undefined)?.[0]?.['text'] ?? '',
      ]);
      said['content'] = words.map(([content]) => content).join('');
      said['reasoning'] = words.map(([, reasoning]) => reasoning).join('');
    }
    const calls = said['tool_calls'] as JsonObject[] | null | undefined;
    if (calls) said['tool_calls'] = calls.map((call) => ({ type: 'function', ...call }));
    if (typeof said['reasoning'] === 'string')
      assert.equal(said['reasoning_content'] ?? said['reasoning'], said['reasoning']);
    said['reasoning'] ??= said['reasoning_content'] ?? '';
    delete said['reasoning_content'];
    return { ...choice, message: said, delta: null };
  });
  const error = json['error'] as JsonObject | undefined;
  const failure = error && { message: error['message'], code: String(error['code']) };
  return { ...json, ...(choices && { choices }), ...(failure && { error: failure }) };
}

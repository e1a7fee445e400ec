import assert from 'node:assert/strict';
import { test } from 'node:test';
import type OpenAI from 'openai';
import { type ProviderGateway, providerGateway } from './provider-gateway.ts';

const messages = [{ role: 'user' as const, content: 'Hi' }];
const claude = 'anthropic/claude-sonnet-4-5';
const gemini = 'gemini/gemini-2.5-flash';

const message = (content: object[], stop_reason = 'end_turn') => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  content,
  stop_reason,
  usage: { input_tokens: 3, output_tokens: 2 },
});
const search = { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'Paris' } };
const found = {
  type: 'web_search_tool_result',
  tool_use_id: 'srvtoolu_1',
  content: [
    { type: 'web_search_result', url: 'https://a.example', title: 'A', encrypted_content: 'E', page_age: null },
  ],
};
const source = {
  type: 'web_search_result_location',
  url: 'https://a.example',
  title: 'A',
  cited_text: 'It is big.',
  encrypted_index: 'I',
};
const cited = [
  search,
  found,
  { type: 'text', text: 'I looked. ' },
  { type: 'text', text: 'Paris is big.', citations: [source] },
];
const annotation = {
  type: 'url_citation',
  url_citation: { url: 'https://a.example', title: 'A', content: 'It is big.', start_index: 10, end_index: 23 },
};

const sse = (events: readonly { type: string }[]) => ({
  headers: { 'content-type': 'text/event-stream' },
  body: events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
});

async function deltas(gateway: ProviderGateway, model: string): Promise<Record<string, unknown>[]> {
  const stream = await gateway.client.chat.completions.create({ model, messages, stream: true });
  const all: Record<string, unknown>[] = [];
  for await (const { choices } of stream) if (choices[0] !== undefined) all.push({ ...choices[0].delta });
  return all;
}

test('gives the texts around hosted tools as one string, with what they cite at its place in that', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  gateway.upstream.always({ json: message(cited) });
  const { choices } = await gateway.client.chat.completions.create({ model: claude, messages });
  assert.equal(choices[0]!.message.content, 'I looked. Paris is big.');
  assert.deepEqual(choices[0]!.message.annotations, [annotation]);
  const { output } = await gateway.client.responses.create({ model: claude, input: 'Hi' });
  const parts = (output[0] as OpenAI.Responses.ResponseOutputMessage).content as OpenAI.Responses.ResponseOutputText[];
  const { content: _, ...place } = { ...annotation.url_citation, start_index: 0, end_index: 13 };
  assert.deepEqual(parts[1]!.annotations, [{ type: 'url_citation', ...place }]);
});

test('cites at the same place in a stream, whether the source comes before its text or behind it', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  const delta = (index: number, value: object) => ({ type: 'content_block_delta', index, delta: value });
  const says = delta(1, { type: 'text_delta', text: 'Paris is big.' });
  const cites = delta(1, { type: 'citations_delta', citation: source });
  for (const pair of [
    [says, cites],
    [cites, says],
  ]) {
    const events = [
      { type: 'message_start', message: { ...message([]), stop_reason: null } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      delta(0, { type: 'text_delta', text: 'I looked. ' }),
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '', citations: [] } },
      ...pair,
      { type: 'content_block_stop', index: 1 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } },
      { type: 'message_stop' },
    ];
    gateway.upstream.always(sse(events));
    const seen = await deltas(gateway, claude);
    assert.equal(seen.map(({ content }) => content ?? '').join(''), 'I looked. Paris is big.');
    assert.deepEqual(
      seen.flatMap(({ annotations }) => annotations ?? []),
      [annotation],
    );
    const { output } = await gateway.client.responses.stream({ model: claude, input: 'Hi' }).finalResponse();
    const parts = (output as OpenAI.Responses.ResponseOutputMessage[]).flatMap(({ content }) => content);
    const [place] = (parts[1] as OpenAI.Responses.ResponseOutputText).annotations;
    assert.ok(place?.type === 'url_citation');
    assert.deepEqual([place.start_index, place.end_index], [0, 13]);
  }
});

test('gives an empty string for an answer that has only what the provider ran itself', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  gateway.upstream.always({ json: message([search], 'pause_turn') });
  const { choices } = await gateway.client.chat.completions.create({ model: claude, messages });
  assert.equal(choices[0]!.message.content, '');
});

test('takes an answer in the format of Anthropic without content for an empty one', async () => {
  await using gateway = await providerGateway('providers/anthropic');
  gateway.upstream.always({ json: { ...message([]), content: null } });
  const { choices } = await gateway.client.chat.completions.create({ model: claude, messages });
  assert.deepEqual([choices[0]!.message.content, choices[0]!.finish_reason], ['', 'stop']);
});

test('gives the sound that Gemini makes as audio, whole and streamed', async () => {
  await using gateway = await providerGateway('providers/gemini');
  const samples = Buffer.from([1, 0, 2, 0]);
  const part = { inlineData: { mimeType: 'audio/L16;codec=pcm;rate=24000', data: samples.toString('base64') } };
  const answer = {
    candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
  };
  gateway.upstream.reply({ json: answer }, { events: [answer] });
  const { message: whole } = (await gateway.client.chat.completions.create({ model: gemini, messages })).choices[0]!;
  const wav = Buffer.from(whole.audio!.data, 'base64');
  assert.deepEqual([wav.toString('latin1', 0, 4), wav.readUInt32LE(24), wav.subarray(44)], ['RIFF', 24_000, samples]);
  const streamed = (await deltas(gateway, gemini)).flatMap(({ audio }) => (audio === undefined ? [] : [audio]));
  assert.equal((streamed as { data: string }[])[0]!.data, whole.audio!.data);
});

test('keeps what an answer cites beside annotations that only chat knows', async () => {
  await using gateway = await providerGateway('providers/together');
  const cites = {
    type: 'url_citation',
    url_citation: { url: 'https://a.example', title: 'A', start_index: 0, end_index: 2 },
  };
  const choice = {
    index: 0,
    message: { role: 'assistant', content: 'So', annotations: [{ type: 'file', file: { hash: 'h' } }, cites] },
    finish_reason: 'stop',
  };
  gateway.upstream.always({ json: { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [choice] } });
  const { output } = await gateway.client.responses.create({ model: 'together/m', input: 'Hi' });
  const [part] = (output[0] as OpenAI.Responses.ResponseOutputMessage).content;
  assert.deepEqual((part as OpenAI.Responses.ResponseOutputText).annotations, [
    { type: 'url_citation', ...cites.url_citation },
  ]);
});

test('takes an answer of Bedrock without a message for an empty one', async () => {
  await using gateway = await providerGateway('providers/bedrock');
  const usage = { inputTokens: 1, outputTokens: 0, totalTokens: 1 };
  gateway.upstream.always({ json: { output: {}, stopReason: 'content_filtered', usage, metrics: { latencyMs: 1 } } });
  const model = 'bedrock/amazon.nova-lite-v1:0';
  const { choices } = await gateway.client.chat.completions.create({ model, messages });
  assert.deepEqual([choices[0]!.message.content, choices[0]!.finish_reason], ['', 'content_filter']);
});

test('brings an image that a model made before every other model, where that can see it', async () => {
  const seen = {
    type: 'image_generation_call' as const,
    id: 'ig_1',
    status: 'completed' as const,
    result: 'iVBORw0KGgo=',
  };
  const input = [
    { role: 'user' as const, content: 'Draw a cat.' },
    seen,
    { role: 'user' as const, content: 'Give it a hat.' },
  ];
  for (const [provider, model, expected] of [
    [
      'providers/gemini',
      'gemini/gemini-2.5-flash-image',
      { role: 'model', parts: [{ inlineData: { mimeType: 'image/png', data: seen.result } }] },
    ],
    [
      'providers/anthropic',
      claude,
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: seen.result } },
    ],
    [
      'providers/together',
      'together/m',
      { type: 'image_url', image_url: { url: `data:image/png;base64,${seen.result}` } },
    ],
  ] as const) {
    await using gateway = await providerGateway(provider);
    gateway.upstream.always({ json: {} });
    await gateway.client.responses.create({ model, input }).catch(() => {});
    const sent = gateway.last().json as { messages?: { role: string; content: object[] }[]; contents?: object[] };
    if (sent.contents !== undefined) assert.deepEqual(sent.contents[1], expected);
    else {
      assert.ok(sent.messages!.every(({ role }) => role === 'user'));
      assert.deepEqual(sent.messages!.at(-1)!.content.at(-1), expected);
    }
  }
  await using gateway = await providerGateway('providers/cohere');
  gateway.upstream.always({
    json: { id: 'c', message: { role: 'assistant', content: [] }, finish_reason: 'COMPLETE' },
  });
  const { response } = await gateway.client.responses
    .create({ model: 'cohere/command-a-03-2025', input })
    .withResponse();
  assert.equal(response.headers.get('x-bf-lossy'), 'messages[1].images');
});

test('sends no message of which nothing can be said', async () => {
  await using gateway = await providerGateway('providers/together');
  const choice = { index: 0, message: { role: 'assistant', content: 'So' }, finish_reason: 'stop' };
  gateway.upstream.always({ json: { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [choice] } });
  const searched = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } };
  const input = [{ role: 'user', content: 'Hi' }, searched, { role: 'user', content: 'And?' }] as never;
  const { response } = await gateway.client.responses.create({ model: 'together/m', input }).withResponse();
  assert.equal(response.headers.get('x-bf-lossy'), 'input[1]');
  const { messages: sent } = gateway.last().json as { messages: { role: string }[] };
  assert.deepEqual(
    sent.map(({ role }) => role),
    ['user', 'user'],
  );
});

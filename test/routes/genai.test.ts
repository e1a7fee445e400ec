import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApiError, type CallableTool, GoogleGenAI, type Part } from '@google/genai';
import { GoogleGenAI as GoogleGenAI2 } from 'genai-2';
import { chunks, completion, lastChunks, type NativeGateway, nativeGateway } from './native-gateway.ts';
import { rawCall } from './passthrough-gateway.ts';

let gateway: NativeGateway;

before(async () => {
  gateway = await nativeGateway({ 'plugins/vertex-detection': {} });
});

after(() => gateway?.close());

const answer = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'from Gemini' }] }, finishReason: 'STOP', index: 0 }],
  usageMetadata: { promptTokenCount: 8, candidatesTokenCount: 2, totalTokenCount: 10 },
  modelVersion: 'gemini-2.5-flash',
};
const json = { 'content-type': 'application/json' };
const clientOf = ({ url }: { readonly url: string }, apiKey = 'dummy-key'): GoogleGenAI =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${url}/genai` } });

/** An answer of Claude's. */
function claude(content: object[], stop_reason: string): object {
  const usage = { input_tokens: 10, output_tokens: 4 };
  return { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content, stop_reason, usage };
}

/** The same as a stream, its thinking in two pieces. */
function claudeEvents(thought: { thinking: string; signature: string }, call: { input: object }): string[] {
  const at = thought.thinking.length / 2;
  const delta = (index: number, value: object): object => ({ type: 'content_block_delta', index, delta: value });
  const events: { type?: string }[] = [
    { type: 'message_start', message: claude([], '') } as { type: string },
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'thinking', thinking: '', signature: '' },
    } as object,
    delta(0, { type: 'thinking_delta', thinking: thought.thinking.slice(0, at) }),
    delta(0, { type: 'thinking_delta', thinking: thought.thinking.slice(at) }),
    delta(0, { type: 'signature_delta', signature: thought.signature }),
    { type: 'content_block_stop', index: 0 } as object,
    { type: 'content_block_start', index: 1, content_block: { ...call, input: {} } } as object,
    delta(1, { type: 'input_json_delta', partial_json: JSON.stringify(call.input) }),
    { type: 'content_block_stop', index: 1 } as object,
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 4 } } as object,
    { type: 'message_stop' },
  ];
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

for (const [name, Client] of [
  ['@google/genai 3.1', GoogleGenAI],
  ['@google/genai 2', GoogleGenAI2 as unknown as typeof GoogleGenAI],
] as const) {
  test(`serves ${name} from a model of another provider`, async () => {
    const { models } = new Client({ apiKey: 'dummy-key', httpOptions: { baseUrl: `${gateway.url}/genai` } });
    const { openai } = gateway.upstreams;
    openai.reply({ json: completion('Hello back') });
    const ask = { model: 'openai/gpt-4o', contents: 'Hello!', config: { systemInstruction: 'Be brief.' } };
    const whole = await models.generateContent(ask);
    assert.deepEqual([whole.text, whole.candidates?.[0]?.finishReason], ['Hello back', 'STOP']);
    assert.deepEqual([whole.usageMetadata?.promptTokenCount, whole.usageMetadata?.candidatesTokenCount], [9, 4]);
    const { url, json: sent, headers } = openai.requests.at(-1)!;
    assert.equal(url, '/v1/chat/completions');
    assert.deepEqual(sent, {
      model: 'gpt-4o',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello!' },
      ],
    });
    assert.deepEqual([headers.authorization, headers['x-goog-api-key']], ['Bearer sk-upstream', undefined]);

    openai.reply({ events: [...chunks('Hello in many words'), ...lastChunks] });
    let text = '';
    let tokens: number | undefined;
    for await (const chunk of await models.generateContentStream(ask)) {
      text += chunk.text ?? '';
      tokens = chunk.usageMetadata?.candidatesTokenCount ?? tokens;
    }
    assert.deepEqual([text, tokens], ['Hello in many words', 4]);
  });
}

test('runs functions of the SDK against a model of another provider', async () => {
  const { openai } = gateway.upstreams;
  const call = { id: 'call_1', name: 'weather', arguments: '{"city":"Graz"}' };
  openai.reply({ json: completion('', [call]) }, { json: completion('It is sunny in Graz.') });
  const asked: unknown[] = [];
  const weather: CallableTool = {
    tool: async () => ({
      functionDeclarations: [
        {
          name: 'weather',
          description: 'The weather of a city.',
          parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } } },
        },
      ],
    }),
    async callTool(calls) {
      asked.push(...calls.map(({ args }) => args));
      return calls.map(({ id, name }) => ({
        functionResponse: { ...(id && { id }), ...(name && { name }), response: { sky: 'sunny' } },
      }));
    },
  };
  const contents = 'How is the weather in Graz?';
  const final = await clientOf(gateway).models.generateContent({
    model: 'openai/gpt-4o',
    contents,
    config: { tools: [weather] },
  });
  assert.deepEqual(asked, [{ city: 'Graz' }]);
  assert.equal(final.text, 'It is sunny in Graz.');
  const { messages } = openai.requests.at(-1)!.json as { messages: { role: string; tool_call_id?: string }[] };
  assert.deepEqual(
    messages.map(({ role, tool_call_id: id }) => [role, id]),
    [
      ['user', undefined],
      ['assistant', undefined],
      ['tool', 'call_1'],
    ],
  );
});

for (const streamed of [false, true]) {
  test(`thinking of Claude goes on in the next turn, and no further than to Claude, ${streamed ? 'in a stream' : 'as a whole'}`, async () => {
    const { anthropic, gemini } = gateway.upstreams;
    const thought = { type: 'thinking', thinking: 'First this. Then that.', signature: 'signed-by-anthropic' };
    const call = { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Graz' } };
    anthropic.reply(streamed ? { events: claudeEvents(thought, call) } : { json: claude([thought, call], 'tool_use') });
    const { models } = clientOf(gateway);
    const config = {
      thinkingConfig: { thinkingBudget: 2_000, includeThoughts: true },
      maxOutputTokens: 9_000,
      tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: { type: 'object' } }] }],
    };
    const ask = { model: 'anthropic/claude-sonnet-4-5', contents: 'How is the weather?', config };
    const parts: Part[] = [];
    if (streamed) {
      for await (const chunk of await models.generateContentStream(ask))
        parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
    } else parts.push(...((await models.generateContent(ask)).candidates?.[0]?.content?.parts ?? []));
    const shown = parts.filter((part) => part.thought).map(({ text }) => text);
    assert.equal(shown.join(''), thought.thinking);
    const contents = [
      { role: 'user', parts: [{ text: 'How is the weather?' }] },
      { role: 'model', parts },
      { role: 'user', parts: [{ functionResponse: { id: 'toolu_1', name: 'weather', response: { sky: 'sunny' } } }] },
    ];
    anthropic.reply({ json: claude([{ type: 'text', text: 'Sunny.' }], 'end_turn') });
    assert.equal((await models.generateContent({ ...ask, contents })).text, 'Sunny.');
    const { messages, thinking } = anthropic.requests.at(-1)!.json as {
      messages: { content: object[] }[];
      thinking: object;
    };
    assert.deepEqual(messages[1]!.content, [thought, call]);
    assert.deepEqual(thinking, { type: 'enabled', budget_tokens: 2_000 });

    gemini.reply({ json: answer });
    await models.generateContent({ ...ask, model: 'gemini-2.5-flash', contents });
    const carried = gemini.requests.at(-1)!.body.toString();
    assert.doesNotMatch(carried, /thoughtSignature/);
    assert.match(carried, /functionCall/);
  });
}

test("carries a call to Gemini byte for byte, and so its answer, with the model in the provider's words", async () => {
  const { gemini } = gateway.upstreams;
  const reply = JSON.stringify(answer, undefined, 3);
  const body = '{ "contents":[{"role":"user","parts":[{"text":"\\u00e9"}]}], "future":{"a":[1e2]} }';
  for (const model of ['gemini-2.5-flash', 'gemini/gemini-2.5-flash', 'gemini%2Fgemini-2.5-flash']) {
    gemini.reply({ body: reply, headers: json });
    const path = `/genai/v1beta/models/${model}:generateContent?key=dummy-key`;
    const answered = await rawCall(gateway, path, { method: 'POST', headers: json, body });
    const seen = gemini.requests.at(-1)!;
    assert.equal(seen.url, '/v1beta/models/gemini-2.5-flash:generateContent');
    assert.equal(seen.body.toString(), body);
    assert.equal(answered.body.toString(), reply);
  }
  gemini.reply({ events: [answer] });
  let text = '';
  for await (const chunk of await clientOf(gateway).models.generateContentStream({
    model: 'gemini-2.5-flash',
    contents: 'Hello!',
  }))
    text += chunk.text;
  assert.equal(text, 'from Gemini');
  assert.equal(gemini.requests.at(-1)!.url, '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse');
});

test('calls Gemini on Vertex AI where its key says it lies', async () => {
  const { vertex } = gateway.upstreams;
  const place = '/v1/projects/our-project/locations/europe-west4/publishers/google/models/gemini-2.5-flash';
  vertex.reply({ json: answer }, { json: { totalTokens: 5 } });
  const { models } = clientOf(gateway);
  const ask = { model: 'vertex/gemini-2.5-flash', contents: 'Hello!' };
  assert.equal((await models.generateContent(ask)).text, 'from Gemini');
  assert.equal(vertex.requests.at(-1)!.url, `${place}:generateContent`);
  assert.equal((await models.countTokens(ask)).totalTokens, 5);
  assert.equal(vertex.requests.at(-1)!.url, `${place}:countTokens`);
});

test("another provider's failures reach the SDK as errors of its own", async () => {
  const { openai } = gateway.upstreams;
  openai.reply({ status: 400, json: { error: { message: 'Not like this.', type: 'invalid_request_error' } } });
  const ask = { model: 'openai/gpt-4o', contents: 'Hello!' };
  await assert.rejects(clientOf(gateway).models.generateContent(ask), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 400);
    assert.deepEqual(JSON.parse(error.message).error, {
      code: 400,
      message: 'Not like this.',
      status: 'INVALID_ARGUMENT',
    });
    return true;
  });
});

test('a stream that is cut ends with an error, never as if it were whole', async () => {
  gateway.upstreams.openai.reply({ events: chunks('Hello in many'), fault: 'cut' });
  let text = '';
  await assert.rejects(async () => {
    const stream = await clientOf(gateway).models.generateContentStream({ model: 'openai/gpt-4o', contents: 'Hello!' });
    for await (const chunk of stream) text += chunk.text ?? '';
  }, /openai/);
  assert.equal(text, 'Hello in many');
});

test('a stream that is not asked for as events is refused with the way out', async () => {
  const path = '/genai/v1beta/models/openai/gpt-4o:streamGenerateContent';
  const body = '{"contents":[{"parts":[{"text":"Hello!"}]}]}';
  const { status, body: said } = await rawCall(gateway, path, { method: 'POST', headers: json, body });
  assert.equal(status, 400);
  assert.match(JSON.parse(said.toString()).error.message, /add \?alt=sse/);
});

test('counts tokens where the model lies', async () => {
  const { anthropic, openai, gemini } = gateway.upstreams;
  const count = async (model: string): Promise<number | undefined> =>
    (await clientOf(gateway).models.countTokens({ model, contents: 'Hello!' })).totalTokens;
  gemini.reply({ json: { totalTokens: 11 } });
  assert.equal(await count('gemini-2.5-flash'), 11);
  const body = '{"contents":[{"parts":[{"text":"Hello!"}]}]}';
  gemini.reply({ json: { totalTokens: 11 } });
  await rawCall(gateway, '/genai/v1/models/gemini-2.5-flash:countTokens?key=dummy-key', {
    method: 'POST',
    headers: json,
    body,
  });
  assert.equal(gemini.requests.at(-1)!.url, '/v1beta/models/gemini-2.5-flash:countTokens');
  anthropic.reply({ json: { input_tokens: 12 } });
  assert.equal(await count('anthropic/claude-sonnet-4-5'), 12);
  assert.equal(anthropic.requests.at(-1)!.url, '/v1/messages/count_tokens');
  assert.deepEqual(anthropic.requests.at(-1)!.json, {
    model: 'claude-sonnet-4-5',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello!' }] }],
  });
  openai.reply({ json: { object: 'response.input_tokens', input_tokens: 13 } });
  assert.equal(await count('openai/gpt-4o'), 13);
});

test('lists the models of every provider, whole or page by page, and tells one from its name', async () => {
  const { openai, gemini } = gateway.upstreams;
  openai.reply({ json: { object: 'list', data: [{ id: 'gpt-4o', object: 'model', created: 1_715_367_049 }] } });
  gemini.reply({ json: { models: [{ name: 'models/gemini-2.5-flash' }] } });
  const { models } = clientOf(gateway);
  const names: (string | undefined)[] = [];
  for await (const { name } of await models.list()) names.push(name);
  for (const name of ['models/openai/gpt-4o', 'models/gemini/gemini-2.5-flash', 'models/mock/echo'])
    assert.ok(names.includes(name), name);
  const turned: (string | undefined)[] = [];
  for await (const { name } of await models.list({ config: { pageSize: 2 } })) turned.push(name);
  assert.deepEqual(turned, names);
  assert.equal((await models.get({ model: 'gemini-2.5-flash' })).name, 'models/gemini/gemini-2.5-flash');
  assert.equal((await models.get({ model: 'mock/echo' })).name, 'models/mock/echo');
  await assert.rejects(models.get({ model: 'mock/nothing' }), ApiError);
  const wrong = await rawCall(gateway, '/genai/v1beta/models?pageSize=none');
  assert.deepEqual([wrong.status, JSON.parse(wrong.body.toString()).error.status], [400, 'INVALID_ARGUMENT']);
});

test('what is no chat goes to Google as it is, without the credential of the client', async () => {
  const { gemini, vertex } = gateway.upstreams;
  gemini.reply({ json: { embeddings: [{ values: [1, 2] }] } });
  const { embeddings } = await clientOf(gateway).models.embedContent({ model: 'embedding-1', contents: 'Hello!' });
  assert.deepEqual(embeddings?.[0]?.values, [1, 2]);
  gemini.reply({ json: { name: 'models/veo-3/operations/abc', done: false } });
  await rawCall(gateway, '/genai/v1beta/models/veo-3/operations/abc?key=dummy-key');
  assert.equal(gemini.requests.at(-1)!.url, '/v1beta/models/veo-3/operations/abc');
  vertex.reply({ json: answer });
  const onVertex = new GoogleGenAI({
    vertexai: true,
    apiKey: 'dummy-key',
    httpOptions: { baseUrl: `${gateway.url}/genai` },
  });
  const { text } = await onVertex.models.generateContent({ model: 'gemini-2.5-flash', contents: 'Hello!' });
  assert.equal(text, 'from Gemini');
});

test('a virtual key comes as the API key of the SDK, in a header or in the query', async () => {
  const virtualKeys = [{ id: 'team', name: 'team', value: 'sk-bf-team', providers: ['openai'] }];
  await using governed = await nativeGateway({ 'plugins/governance': { required: true, virtualKeys } });
  governed.upstreams.openai.always({ json: completion('for the team') });
  const ask = { model: 'openai/gpt-4o', contents: 'Hello!' };
  assert.equal((await clientOf(governed, 'sk-bf-team').models.generateContent(ask)).text, 'for the team');
  const path = '/genai/v1beta/models/openai/gpt-4o:generateContent?key=sk-bf-team';
  const body = '{"contents":[{"parts":[{"text":"Hello!"}]}]}';
  assert.equal((await rawCall(governed, path, { method: 'POST', headers: json, body })).status, 200);
  await assert.rejects(clientOf(governed).models.generateContent(ask), /UNAUTHENTICATED/);
});

test('a path that is encoded without need is refused, since a provider may read it otherwise', async () => {
  const body = '{"model":"mock/echo"}';
  const headers = { 'content-type': 'application/json' };
  const { status, body: said } = await rawCall(gateway, '/genai/v1beta/models/mock/echo:%67enerateContent', {
    method: 'POST',
    headers,
    body,
  });
  assert.equal(status, 400);
  assert.match(said.toString(), /it encodes what needs no encoding/);
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import Anthropic0 from 'anthropic-0';
import { chunks, completion, lastChunks, type NativeGateway, nativeGateway } from './native-gateway.ts';
import { rawCall } from './passthrough-gateway.ts';

let gateway: NativeGateway;

before(async () => {
  gateway = await nativeGateway();
});

after(() => gateway?.close());

const clientOf = ({ url }: { readonly url: string }, apiKey = 'dummy-key'): Anthropic =>
  new Anthropic({ baseURL: `${url}/anthropic`, apiKey, maxRetries: 0 });
const ask = { model: 'openai/gpt-4o', max_tokens: 64, messages: [{ role: 'user' as const, content: 'Hello!' }] };
const textOf = ({ content }: Anthropic.Message): string =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  content: [{ type: 'text', text: 'from Claude' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 4 },
};

for (const [name, Client] of [
  ['@anthropic-ai/sdk 1.12', Anthropic],
  ['@anthropic-ai/sdk 0.137', Anthropic0 as unknown as typeof Anthropic],
] as const) {
  for (const base of ['/anthropic', '/anthropic/v1']) {
    test(`serves ${name} at ${base} from a model of another provider`, async () => {
      const client = new Client({ baseURL: gateway.url + base, apiKey: 'dummy-key', maxRetries: 0 });
      const { openai } = gateway.upstreams;
      openai.reply({ json: completion('Hello back') });
      const whole = await client.messages.create({ ...ask, system: 'Be brief.' });
      assert.deepEqual([textOf(whole), whole.stop_reason], ['Hello back', 'end_turn']);
      assert.match(String(whole._request_id), /^req_/);
      assert.deepEqual([whole.usage.input_tokens, whole.usage.output_tokens], [9, 4]);
      const { url, json, headers } = openai.requests.at(-1)!;
      assert.equal(url, '/v1/chat/completions');
      assert.deepEqual(json, {
        model: 'gpt-4o',
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Hello!' },
        ],
        max_completion_tokens: 64,
      });
      assert.equal(headers.authorization, 'Bearer sk-upstream');
      assert.deepEqual([headers['x-api-key'], headers['anthropic-version']], [undefined, undefined]);

      openai.reply({ events: [...chunks('Hello in many words'), ...lastChunks] });
      const streamed = await client.messages.stream(ask).finalMessage();
      assert.deepEqual([textOf(streamed), streamed.stop_reason], ['Hello in many words', 'end_turn']);
      assert.equal(streamed.usage.output_tokens, 4);
    });
  }
}

test('runs the tool runner of the SDK against a model of another provider', async () => {
  const { openai } = gateway.upstreams;
  const call = { id: 'call_1', name: 'weather', arguments: '{"city":"Graz"}' };
  openai.reply({ json: completion('', [call]) }, { json: completion('It is sunny in Graz.') });
  const asked: string[] = [];
  const weather = betaTool({
    name: 'weather',
    description: 'The weather of a city.',
    inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    run({ city }) {
      asked.push(city);
      return 'sunny';
    },
  });
  const final = await clientOf(gateway).beta.messages.toolRunner({ ...ask, tools: [weather] });
  assert.deepEqual(asked, ['Graz']);
  assert.equal(textOf(final as Anthropic.Message), 'It is sunny in Graz.');
  const { messages } = openai.requests.at(-1)!.json as { messages: object[] };
  assert.deepEqual(messages.slice(1), [
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Graz"}' } }],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
  ]);
});

test('says to OpenAI nothing that it refuses: a long name of the user, the thinking of earlier turns', async () => {
  await using both = await nativeGateway({ 'providers/vllm': gateway.upstreams.gemini.provider() });
  const { openai } = both.upstreams;
  const { gemini: vllm } = gateway.upstreams;
  openai.reply({ json: completion('next') });
  vllm.reply({ json: completion('next') });
  const user = JSON.stringify({ device_id: 'd'.repeat(64), account_uuid: 'a', session_id: 's' });
  const thought = { type: 'thinking' as const, thinking: 'So.', signature: 'of-another' };
  const history = [
    ...ask.messages,
    { role: 'assistant' as const, content: [thought, { type: 'text' as const, text: 'Hi.' }] },
    { role: 'user' as const, content: 'And?' },
  ];
  const turn = { ...ask, metadata: { user_id: user }, messages: history };
  await clientOf(both).messages.create(turn);
  const sent = openai.requests.at(-1)!.json as { user: string; messages: object[] };
  assert.equal(sent.user, createHash('sha256').update(user).digest('hex'));
  assert.deepEqual(sent.messages[1], { role: 'assistant', content: 'Hi.' });
  await clientOf(both).messages.create({ ...turn, model: 'vllm/gpt-oss' });
  const kept = vllm.requests.at(-1)!.json as { messages: { reasoning?: string }[] };
  assert.match(JSON.stringify(kept.messages[1]), /"reasoning(_content)?":"So\."/);
});

test('a model of OpenAI that reasons is called by the Responses API, and its reasoning goes on in the next turn', async () => {
  const { openai } = gateway.upstreams;
  const call = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'weather', arguments: '{"city":"Graz"}' };
  const summary = [
    { type: 'summary_text', text: 'One.' },
    { type: 'summary_text', text: 'Two.' },
  ];
  const reasoning = { type: 'reasoning', id: 'rs_1', summary, encrypted_content: 'sealed-by-openai' };
  const usage = { input_tokens: 9, output_tokens: 4, total_tokens: 13 };
  const response = {
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    model: 'gpt-5.6',
    output: [reasoning, call],
  };
  openai.always({ json: { ...response, usage } });
  const tools = [{ name: 'weather', input_schema: { type: 'object' as const } }];
  const thinking = { type: 'enabled' as const, budget_tokens: 20_000 };
  const turn = { ...ask, model: 'openai/gpt-5.6', max_tokens: 32_000, thinking, tools, temperature: 1, top_p: 0.5 };
  const client = new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: 'dummy-key', timeout: 60_000 });
  const { data, response: head } = await client.messages.create(turn).withResponse();
  assert.deepEqual(
    data.content.map(({ type }) => type),
    ['thinking', 'tool_use', 'redacted_thinking'],
  );
  assert.equal(head.headers.get('x-bf-lossy'), 'top_p');
  const { url, json: sent } = openai.requests.at(-1)!;
  assert.equal(url, '/v1/responses');
  const { model, include, store, reasoning: asked } = sent as Record<string, unknown>;
  assert.deepEqual(
    [model, include, store, asked],
    ['gpt-5.6', ['reasoning.encrypted_content'], false, { effort: 'high' }],
  );
  const result = { type: 'tool_result' as const, tool_use_id: 'call_1', content: 'sunny' };
  const history = [...ask.messages, { role: 'assistant' as const, content: data.content }];
  await client.messages.create({ ...turn, messages: [...history, { role: 'user', content: [result] }] });
  const { input } = openai.requests.at(-1)!.json as { input: object[] };
  assert.deepEqual(input.slice(1), [
    reasoning,
    call,
    { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
  ]);
  openai.always({ status: 404, json: {} });

  // At Claude the same conversation goes on without what only OpenAI can read.
  const { anthropic } = gateway.upstreams;
  const turns = [...history, { role: 'user' as const, content: [result] }];
  const unsigned = {
    role: 'assistant' as const,
    content: [{ type: 'thinking' as const, thinking: 'x', signature: '' }],
  };
  for (const messages of [turns, [...turns.slice(0, 1), unsigned, ...turns.slice(1)]]) {
    anthropic.reply({ json: message });
    await client.messages.create({ ...turn, model: 'claude-sonnet-4-5', messages });
    const { messages: carried } = anthropic.requests.at(-1)!.json as { messages: object[] };
    const [, tool] = data.content;
    assert.deepEqual(carried, [ask.messages[0], { role: 'assistant', content: [tool] }, turns[2]]);
  }
});

for (const [model, effort] of [
  ['gpt-4o', undefined],
  ['gpt-5-chat-latest', undefined],
  ['o3', 'low'],
  ['gpt-5', 'minimal'],
  ['gpt-5.1', 'none'],
] as const) {
  test(`${model} is asked for the effort that it has when a client wants no thinking`, async () => {
    const { openai } = gateway.upstreams;
    const done = { id: 'resp_1', object: 'response', status: 'completed', model, output: [] };
    openai.reply({ json: { ...done, ...completion('done') } });
    await clientOf(gateway).messages.create({ ...ask, model: `openai/${model}`, thinking: { type: 'disabled' } });
    const sent = openai.requests.at(-1)!.json as { reasoning_effort?: string; reasoning?: { effort: string } };
    assert.equal(sent.reasoning?.effort ?? sent.reasoning_effort, effort);
  });
}

test("carries a call to Claude at Anthropic with every byte but the model's name, and so its answer", async () => {
  const { anthropic } = gateway.upstreams;
  const reply = JSON.stringify(message, undefined, 3);
  anthropic.reply({ body: reply, headers: { 'content-type': 'application/json', 'request-id': 'req_up' } });
  const body = (model: string): string =>
    `{ "model" : "${model}",\n "max_tokens":64.0, "future":{"a":[1e2]}, "messages":[{"role":"user","content":"\\u00e9"}] }`;
  const answered = await rawCall(gateway, '/anthropic/v1/messages?beta=true', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'anthropic-beta': 'future-1' },
    body: body('anthropic/claude-sonnet-4-5'),
  });
  const seen = anthropic.requests.at(-1)!;
  assert.equal(seen.url, '/v1/messages?beta=true');
  assert.equal(seen.body.toString(), body('claude-sonnet-4-5'));
  assert.equal(seen.headers['anthropic-beta'], 'future-1');
  assert.equal(answered.body.toString(), reply);
  assert.equal(answered.headers['request-id'], 'req_up');
});

test('a thread, which lies at Anthropic, is given up for a model of another provider', async () => {
  const { openai } = gateway.upstreams;
  const thread = clientOf(gateway).beta.messages.thread({
    model: 'openai/gpt-4o',
    max_tokens: 64,
    system: 'Be brief.',
  });
  openai.reply({ json: completion('First.') }, { json: completion('Second.') });
  assert.equal(textOf((await thread.send({ role: 'user', content: 'One?' })) as Anthropic.Message), 'First.');
  assert.equal(textOf((await thread.send({ role: 'user', content: 'Two?' })) as Anthropic.Message), 'Second.');
  const { messages } = openai.requests.at(-1)!.json as { messages: { content: string }[] };
  assert.deepEqual(
    messages.map(({ content }) => content),
    ['Be brief.', 'One?', 'First.', 'Two?'],
  );
});

test("a model without a provider in front is Anthropic's, and Claude on Vertex AI is called as Vertex wants it", async () => {
  const { anthropic, vertex } = gateway.upstreams;
  anthropic.reply({ json: message });
  assert.equal(textOf(await clientOf(gateway).messages.create({ ...ask, model: 'claude-sonnet-4-5' })), 'from Claude');
  vertex.reply({ json: message });
  assert.equal(
    textOf(await clientOf(gateway).messages.create({ ...ask, model: 'vertex/claude-sonnet-4-5@20250929' })),
    'from Claude',
  );
  const { url, json } = vertex.requests.at(-1)!;
  assert.equal(
    url,
    '/v1/projects/our-project/locations/europe-west4/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict',
  );
  assert.deepEqual(Object.keys(json as object).sort(), ['anthropic_version', 'max_tokens', 'messages']);
});

test('fails over from Anthropic to another provider without the client noticing', async () => {
  const fallbacks = { rules: [{ models: ['claude-*'], fallbacks: ['openai/gpt-4o'] }] };
  await using failing = await nativeGateway({ 'plugins/fallbacks': fallbacks });
  const { anthropic, openai } = failing.upstreams;
  anthropic.always({
    status: 529,
    json: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
  });
  openai.reply({ json: completion('from elsewhere') });
  assert.equal(
    textOf(await clientOf(failing).messages.create({ ...ask, model: 'claude-sonnet-4-5' })),
    'from elsewhere',
  );
});

test("Anthropic's own fallbacks travel on, the gateway's are taken out", async () => {
  await using falling = await nativeGateway({ 'plugins/fallbacks': {} });
  const { anthropic, openai } = falling.upstreams;
  const native = { ...ask, model: 'claude-sonnet-4-5', fallbacks: [{ model: 'claude-haiku-4-5' }] };
  anthropic.reply({ json: message }, { status: 529, json: {} });
  await clientOf(falling).messages.create(native as never);
  assert.deepEqual(anthropic.requests.at(-1)!.json, native);
  openai.reply({ json: completion('from elsewhere') });
  const ours = { ...native, fallbacks: ['openai/gpt-4o'] };
  assert.equal(textOf(await clientOf(falling).messages.create(ours as never)), 'from elsewhere');
  assert.equal('fallbacks' in (openai.requests.at(-1)!.json as object), false);
});

test("another provider's failures reach the SDK as errors of its own", async () => {
  await using limited = await nativeGateway();
  const { openai } = limited.upstreams;
  openai.reply({
    status: 429,
    json: { error: { message: 'Slow down.', type: 'tokens', code: 'rate_limit_exceeded' } },
  });
  await assert.rejects(clientOf(limited).messages.create(ask), (error) => {
    assert.ok(error instanceof Anthropic.RateLimitError);
    assert.match(error.message, /rate_limit_error.*Slow down\./);
    assert.match(String(error.requestID), /^req_/);
    return true;
  });
  const wrong = { ...ask, messages: [{ role: 'user', content: [{ type: 'text', text: 7 }] }] };
  await assert.rejects(clientOf(gateway).messages.create(wrong as never), (error) => {
    assert.ok(error instanceof Anthropic.BadRequestError);
    assert.match(error.message, /messages\[0\]\.content\[0\]\.text/);
    return true;
  });
});

test('a stream that is cut ends with an error event, never as if it were whole', async () => {
  gateway.upstreams.openai.reply({ events: chunks('Hello in many'), fault: 'cut' });
  let text = '';
  await assert.rejects(
    clientOf(gateway)
      .messages.stream(ask)
      .on('text', (piece) => {
        text += piece;
      })
      .finalMessage(),
    /api_error.*openai/s,
  );
  assert.equal(text, 'Hello in many');
});

test('counts tokens where the model lies', async () => {
  const { anthropic, openai, gemini } = gateway.upstreams;
  const { max_tokens: _, ...counted } = ask;
  const count = async (model: string): Promise<number> =>
    (await clientOf(gateway).messages.countTokens({ ...counted, model, system: 'Be brief.' })).input_tokens;
  anthropic.reply({ json: { input_tokens: 11 } });
  assert.equal(await count('claude-sonnet-4-5'), 11);
  assert.equal(anthropic.requests.at(-1)!.url, '/v1/messages/count_tokens');
  openai.reply({ json: { object: 'response.input_tokens', input_tokens: 12 } });
  assert.equal(await count('openai/gpt-4o'), 12);
  const asked = openai.requests.at(-1)!;
  assert.equal(asked.url, '/v1/responses/input_tokens');
  assert.deepEqual(asked.json, {
    model: 'gpt-4o',
    input: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello!' },
    ],
  });
  gemini.reply({ json: { totalTokens: 13 } });
  assert.equal(await count('gemini/gemini-2.5-flash'), 13);
  assert.equal(gemini.requests.at(-1)!.url, '/v1beta/models/gemini-2.5-flash:countTokens');
});

test('lists the models of every provider, whole or page by page, and tells one from its name', async () => {
  const { anthropic, openai, gemini } = gateway.upstreams;
  anthropic.reply({ json: { data: [{ type: 'model', id: 'claude-sonnet-4-5', created_at: '2025-09-29T00:00:00Z' }] } });
  openai.reply({ json: { object: 'list', data: [{ id: 'gpt-4o', object: 'model', created: 1_715_367_049 }] } });
  gemini.reply({ json: { models: [{ name: 'models/gemini-2.5-flash' }] } });
  const client = clientOf(gateway);
  const page = await client.models.list();
  const ids = page.data.map(({ id }) => id);
  for (const id of ['anthropic/claude-sonnet-4-5', 'openai/gpt-4o', 'gemini/gemini-2.5-flash', 'mock/echo'])
    assert.ok(ids.includes(id), id);
  assert.equal(page.has_more, false);
  const turned: string[] = [];
  for await (const { id } of client.models.list({ limit: 3 })) turned.push(id);
  assert.deepEqual(turned, ids);
  const before = await client.models.list({ limit: 2, before_id: ids[3]! });
  assert.deepEqual([before.data.map(({ id }) => id), before.has_more], [ids.slice(1, 3), true]);
  const one = await client.models.retrieve('claude-sonnet-4-5');
  assert.deepEqual(
    [one.id, one.type, one.created_at],
    ['anthropic/claude-sonnet-4-5', 'model', '2025-09-29T00:00:00.000Z'],
  );
  assert.equal((await client.models.retrieve('openai/gpt-4o')).created_at, '2024-05-10T18:50:49.000Z');
  await assert.rejects(client.models.retrieve('mock/nothing'), Anthropic.NotFoundError);
  await assert.rejects(client.models.list({ limit: 0 }), /limit must be a whole number from 1 to 1000/);
  await assert.rejects(client.models.list({ after_id: 'none' }), /after_id names no model/);
});

test('routes that list models ask each provider once for all of them', async () => {
  await using both = await nativeGateway({ 'routes/openai': {} });
  const { openai } = both.upstreams;
  openai.always({ json: { object: 'list', data: [{ id: 'gpt-4o', object: 'model', created: 1 }] } });
  for (const path of ['/anthropic/v1/models', '/genai/v1beta/models', '/openai/v1/models'])
    assert.match(await (await fetch(both.url + path)).text(), /openai\/gpt-4o/);
  assert.equal(openai.requests.length, 1);
});

test('what is no chat goes to Anthropic as it is, and leads back', async () => {
  const { anthropic } = gateway.upstreams;
  const results = (origin: string): string => `${origin}/v1/messages/batches/b1/results`;
  anthropic.reply({ json: { id: 'b1', type: 'message_batch', results_url: results(anthropic.url) } });
  const batch = await clientOf(gateway).messages.batches.retrieve('b1');
  assert.equal(batch.results_url, results(`${gateway.url}/anthropic`));
  assert.equal(anthropic.requests.at(-1)!.headers['x-api-key'], 'sk-upstream');
  const refused = await rawCall(gateway, '/anthropic/v1/messages/%2e%2e/x');
  assert.deepEqual([refused.status, JSON.parse(refused.body.toString()).type], [400, 'error']);
});

test('a virtual key comes as the API key of the SDK, and a call without one is refused in its format', async () => {
  const virtualKeys = [
    { id: 'team', name: 'team', value: 'sk-bf-team', providers: [{ provider: 'openai', models: ['gpt-4o'] }] },
  ];
  await using governed = await nativeGateway({ 'plugins/governance': { required: true, virtualKeys } });
  governed.upstreams.openai.always({ json: completion('for the team') });
  assert.equal(textOf(await clientOf(governed, 'sk-bf-team').messages.create(ask)), 'for the team');
  await assert.rejects(clientOf(governed).messages.create(ask), Anthropic.AuthenticationError);
  const other = clientOf(governed, 'sk-bf-team').messages.create({ ...ask, model: 'claude-sonnet-4-5' });
  await assert.rejects(other, Anthropic.PermissionDeniedError);
});

test('runs as a job, whose answer is a message like any other', async () => {
  await using working = await nativeGateway({ 'plugins/async-jobs': {}, 'plugins/store-lmdb': {} });
  working.upstreams.openai.reply({ json: completion('later') });
  const client = clientOf(working);
  const { id } = await client.messages.create(ask, { headers: { 'x-bf-async': 'true' } });
  for (;;) {
    const polled = await client.messages.create(ask, { headers: { 'x-bf-async-id': id } });
    if (polled.content.length > 0) {
      assert.equal(textOf(polled), 'later');
      return;
    }
    await sleep(20);
  }
});

test('a path that is encoded without need is refused, since a provider may read it otherwise', async () => {
  const body = '{"model":"mock/echo"}';
  const headers = { 'content-type': 'application/json' };
  const { status, body: said } = await rawCall(gateway, '/anthropic/v1/%6dessages', { method: 'POST', headers, body });
  assert.equal(status, 400);
  assert.match(said.toString(), /it encodes what needs no encoding/);
});

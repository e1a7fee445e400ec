import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import OpenAI6 from 'openai-6';
import {
  type RunningGateway,
  type SeenRequest,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';

/** What stands between base URL and `/chat/completions`. */
const apiPaths: Readonly<Record<string, string>> = {
  groq: '/v1',
  mistral: '/v1',
  ollama: '/v1',
  openrouter: '/v1',
  xai: '/v1',
  deepseek: '',
  together: '/v1',
  fireworks: '/v1',
  perplexity: '',
  cerebras: '/v1',
  vllm: '/v1',
  sglang: '/v1',
  nebius: '/v1',
  huggingface: '/v1',
  parasail: '/v1',
  'openai-compatible': '/v1',
};

const completion = (message: object, more: object = {}) => ({
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi', ...message }, finish_reason: 'stop' }],
  ...more,
});

let upstream: Upstream;
let gateway: RunningGateway;

const start = (): Promise<RunningGateway> =>
  startGateway({
    plugins: {
      'routes/openai': {},
      ...Object.fromEntries(Object.keys(apiPaths).map((name) => [`providers/${name}`, upstream.provider()])),
    },
  });

before(async () => {
  upstream = await startUpstream();
  gateway = await start();
});

afterEach(() => upstream.always({ json: completion({}) }));

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

const last = (): SeenRequest => upstream.requests.at(-1) as SeenRequest;
const sent = (): Record<string, unknown> => last().json as Record<string, unknown>;
const user = { role: 'user', content: 'Hi' };

function post(
  body: object | string,
  headers: Record<string, string> = {},
  path = '/chat/completions',
  { url } = gateway,
): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${url}/openai/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: text,
  });
}

test('calls every shipped provider at its own path with its own key', async () => {
  upstream.always({ json: completion({}) });
  for (const [name, apiPath] of Object.entries(apiPaths)) {
    const reply = await post({ model: `${name}/some/model`, messages: [user] });
    assert.equal(reply.status, 200, name);
    assert.equal(last().url, `${apiPath}/chat/completions`, name);
    assert.equal(last().headers.authorization, 'Bearer sk-upstream', name);
    assert.equal(sent()['model'], 'some/model', name);
  }
});

test('leaves a request alone that the provider takes as it is, but for the model', async () => {
  const body = '{ "model": "groq/llama",\n "messages" : [{"role":"user","content":"H\\u0069"}], "unknown":1e3 }';
  await post(body);
  assert.equal(last().body.toString(), body.replace('groq/llama', 'llama'));
});

test('leaves out what the provider refuses and says so, or refuses itself when asked to be strict', async () => {
  const body = { model: 'groq/llama', logprobs: true, messages: [{ ...user, name: 'ann' }] };
  const reply = await post(body);
  assert.equal(reply.headers.get('x-bf-lossy'), 'logprobs, messages[0].name');
  assert.deepEqual(sent(), { model: 'llama', messages: [user] });
  const count = upstream.requests.length;
  const strict = await post(body, { 'x-bf-strict': 'true' });
  assert.equal(strict.status, 400);
  assert.match(await strict.text(), /logprobs, messages\[0\]\.name/);
  assert.equal(upstream.requests.length, count);
});

test('gives mistral the names, words, roles and ids that it knows', async () => {
  const call = { id: 'call_abcdefghijk', type: 'function', function: { name: 'f', arguments: '{}' } };
  await post({
    model: 'mistral/large',
    seed: 7,
    max_completion_tokens: 50,
    tool_choice: 'required',
    stream_options: { include_usage: true },
    messages: [
      { role: 'developer', content: 'Be brief.' },
      user,
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: call.id, content: 'ok' },
      { role: 'assistant', content: 'So' },
    ],
  });
  const body = sent();
  const messages = body['messages'] as {
    role: string;
    tool_calls: { id: string }[];
    tool_call_id: string;
    prefix?: boolean;
  }[];
  assert.deepEqual([body['random_seed'], body['max_tokens'], body['tool_choice']], [7, 50, 'any']);
  assert.ok(!('seed' in body) && !('max_completion_tokens' in body) && !('stream_options' in body));
  assert.equal(messages[0]?.role, 'system');
  assert.match(messages[2]!.tool_calls[0]!.id, /^[a-zA-Z0-9]{9}$/);
  assert.equal(messages[3]?.tool_call_id, messages[2]?.tool_calls[0]?.id);
  assert.equal(messages[4]?.prefix, true);
});

test('gives the content of mistral as text with its thinking beside it', async () => {
  const content = [
    { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
    { type: 'text', text: 'Yes.' },
  ];
  upstream.reply({ json: completion({ content }) });
  const json = (await (await post({ model: 'mistral/magistral', messages: [user] })).json()) as ReturnType<
    typeof completion
  >;
  assert.deepEqual(json.choices[0]?.message, { role: 'assistant', content: 'Yes.', reasoning_content: 'Hm.' });
});

test('turns every shape of failure into the one that both SDKs read', async () => {
  const shapes: [string, number, unknown, string, string | null][] = [
    ['cerebras', 400, { message: 'Bad model', type: 'invalid', param: 'model', code: 'wrong' }, 'Bad model', 'wrong'],
    [
      'mistral',
      422,
      { detail: [{ loc: ['body', 'x'], msg: 'extra field', type: 'extra' }] },
      'body.x: extra field',
      null,
    ],
    ['mistral', 401, { object: 'error', message: 'No key', type: 'auth', param: null, code: '1001' }, 'No key', '1001'],
    [
      'xai',
      400,
      { code: 'Client specified an invalid argument', error: 'Bad tools' },
      'Bad tools',
      'Client specified an invalid argument',
    ],
    ['openrouter', 402, { error: { code: 402, message: 'No credits', metadata: { a: 1 } } }, 'No credits', '402'],
    ['vllm', 404, { error: { message: 'No model', type: 'NotFoundError', param: null, code: 404 } }, 'No model', '404'],
  ];
  for (const [provider, status, json, words, code] of shapes) {
    // A key that was refused rests, so each failure gets a gateway of its own.
    await using fresh = await start();
    const client = new OpenAI6({ baseURL: `${fresh.url}/openai`, apiKey: 'none', maxRetries: 0 });
    upstream.reply({ status, json });
    const error = await client.chat.completions
      .create({ model: `${provider}/m`, messages: [] })
      .catch((cause) => cause);
    assert.deepEqual([error.status, error.message, error.code], [status, `${status} ${words}`, code], provider);
  }
});

test('takes a failure under status 200 for what it is', async () => {
  await using fresh = await start();
  upstream.reply({ json: { error: { code: 429, message: 'Slow down', metadata: {} } } });
  const reply = await post({ model: 'openrouter/m', messages: [user] }, {}, '/chat/completions', fresh);
  assert.equal(reply.status, 429);
  assert.equal(((await reply.json()) as { error: { code: string } }).error.code, '429');
});

test('puts reasoning_content beside reasoning in replies', async () => {
  upstream.reply({ json: completion({ reasoning: 'Hm.' }) });
  const json = (await (await post({ model: 'groq/m', messages: [user] })).json()) as { choices: { message: object }[] };
  assert.deepEqual(json.choices[0]?.message, {
    role: 'assistant',
    content: 'Hi',
    reasoning: 'Hm.',
    reasoning_content: 'Hm.',
  });
});

test('puts reasoning_content beside reasoning in streams, wherever the network cuts them, and leaves other events alone', async () => {
  const event = (delta: object, finish: string | null = null): string =>
    `data: {"id":"c",  "object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":${JSON.stringify(delta)},"finish_reason":${JSON.stringify(finish)}}]}\n\n`;
  const wire = `: OPENROUTER PROCESSING\n\n${event({ role: 'assistant', content: '' })}${event({ reasoning: 'Hm — ' })}${event({ reasoning: 'ok' })}${event({ content: 'Hi' })}${event({}, 'stop')}data: [DONE]\n\n`;
  const bytes = Buffer.from(wire);
  for (const size of [1, 7, 64, bytes.length]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    upstream.reply({ chunks, headers: { 'content-type': 'text/event-stream' } });
    const text = await (await post({ model: 'openrouter/m', stream: true, messages: [user] })).text();
    const events = text
      .split('\n\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => JSON.parse(line.slice(6)).choices[0].delta);
    assert.deepEqual(events, [
      { role: 'assistant', content: '' },
      { reasoning: 'Hm — ', reasoning_content: 'Hm — ' },
      { reasoning: 'ok', reasoning_content: 'ok' },
      { content: 'Hi' },
      {},
    ]);
    assert.ok(text.endsWith('data: [DONE]\n\n'));
    if (size === 1) assert.ok(text.includes(event({ content: 'Hi' })), 'an event without a quirk keeps its bytes');
  }
});

test('ends a stream with the error that the provider put into it', async () => {
  const error = { code: 502, message: 'Upstream died' };
  const events = [
    {
      id: 'c',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta: { role: 'assistant', content: 'Hi' } }],
    },
    {
      id: 'c',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      error,
      choices: [{ index: 0, delta: {}, finish_reason: 'error' }],
    },
  ];
  upstream.reply({ events });
  const client = new OpenAI6({ baseURL: `${gateway.url}/openai`, apiKey: 'none', maxRetries: 0 });
  const stream = await client.chat.completions.create({ model: 'openrouter/m', messages: [], stream: true });
  const failure = await (async () => {
    for await (const _ of stream);
    return undefined;
  })().catch((cause) => cause);
  assert.deepEqual([failure.message, failure.code], ['Upstream died', '502']);
});

test('removes the text that perplexity repeats in every chunk', async () => {
  const choice = {
    index: 0,
    delta: { content: 'b' },
    message: { role: 'assistant', content: 'ab' },
    finish_reason: null,
  };
  const done = { index: 0, delta: {}, message: { role: 'assistant', content: 'ab' }, finish_reason: 'stop' };
  upstream.reply({ events: [{ id: 'c', choices: [choice] }, { id: 'c', choices: [done] }, 'data: [DONE]\n\n'] });
  const text = await (await post({ model: 'perplexity/sonar', stream: true, messages: [user] })).text();
  assert.equal(text.includes('"message"'), false);
  assert.match(text, /"delta":\{"content":"b"\}/);
});

test('translates responses to chat for a provider without them, with its names and words', async () => {
  upstream.reply({ json: completion({ content: 'Hello' }) });
  const reply = await post({ model: 'together/m', input: 'Hi', max_output_tokens: 20 }, {}, '/responses');
  const json = (await reply.json()) as { object: string; output: { content: { text: string }[] }[] };
  assert.equal(last().url, '/v1/chat/completions');
  assert.equal(sent()['max_tokens'], 20);
  assert.equal(json.object, 'response');
  assert.equal(json.output[0]?.content[0]?.text, 'Hello');
});

test('serves a server of your own under a name of your own, its base URL with or without a version', async () => {
  for (const baseUrl of [upstream.url, `${upstream.url}/v1`, `${upstream.url}/v1/`]) {
    await using local = await startGateway({
      plugins: { 'routes/openai': {}, 'my-server': { use: 'providers/openai-compatible', baseUrl } },
    });
    const reply = await post({ model: 'my-server/m', messages: [user] }, {}, '/chat/completions', local);
    assert.equal(reply.headers.get('x-bf-provider'), 'my-server');
    assert.equal(last().url, '/v1/chat/completions');
    assert.equal(last().headers.authorization, undefined);
  }
});

test('refuses an operation that the provider does not have', async () => {
  const reply = await post({ model: 'cerebras/m', input: 'a' }, {}, '/embeddings');
  assert.equal(reply.status, 400);
  assert.match(await reply.text(), /cerebras cannot serve embeddings/);
});

test('reads keys and their settings from the environment alone, and needs none for a local server', async () => {
  const before = { ...process.env };
  Object.assign(process.env, { OPENAI_API_KEY: 'sk-env', OPENAI_ORG_ID: 'org-1' });
  delete process.env['VLLM_API_KEY'];
  delete process.env['OPENAI_PROJECT_ID'];
  const { url: baseUrl } = upstream;
  const local = await startGateway({
    plugins: { 'routes/openai': {}, 'providers/openai': { baseUrl }, 'providers/vllm': { baseUrl } },
  });
  try {
    upstream.always({ json: completion({}) });
    const ask = (model: string) =>
      fetch(`${local.url}/openai/chat/completions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: 'Bearer client',
          'openai-project': 'project-of-the-client',
        },
        body: JSON.stringify({ model, messages: [] }),
      });
    await ask('gpt-4o');
    const { authorization, 'openai-organization': organization, 'openai-project': project } = last().headers;
    assert.deepEqual([authorization, organization, project], ['Bearer sk-env', 'org-1', undefined]);
    await ask('vllm/m');
    assert.equal(last().headers.authorization, undefined);
  } finally {
    await local.close();
    process.env = before;
  }
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI6 from 'openai-6';
import { type RunningGateway, startGateway, startUpstream, type Upstream } from '../../plugin-sdk/testing/index.ts';

const providers = ['groq', 'mistral', 'openrouter', 'xai', 'perplexity', 'cerebras', 'vllm'];

const completion = (message: object) => ({
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi', ...message }, finish_reason: 'stop' }],
});

let upstream: Upstream;
let gateway: RunningGateway;

const start = (): Promise<RunningGateway> =>
  startGateway({
    plugins: {
      'routes/openai': {},
      ...Object.fromEntries(providers.map((name) => [`providers/${name}`, upstream.provider()])),
    },
  });

before(async () => {
  upstream = await startUpstream();
  gateway = await start();
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

const user = { role: 'user', content: 'Hi' };

function post(body: object, { url } = gateway): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(`${url}/openai/v1/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
}

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
  const reply = await post({ model: 'openrouter/m', messages: [user] }, fresh);
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

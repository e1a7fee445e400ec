import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
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

test('gives mistral its own thinking back as a part of the content, where the model takes it', async () => {
  const history = (content: string | null) => [
    user,
    {
      role: 'assistant',
      content,
      reasoning_content: 'Hm.',
      reasoning_details: [{ type: 'reasoning.text', text: 'Hm.' }],
    },
    user,
  ];
  const thinking = { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] };
  const assistant = () => (sent()['messages'] as unknown[])[1];
  await post({ model: 'mistral/magistral-medium-latest', messages: history('So.') });
  assert.deepEqual(assistant(), { role: 'assistant', content: [thinking, { type: 'text', text: 'So.' }] });
  await post({ model: 'mistral/magistral-medium-latest', messages: history(null) });
  assert.deepEqual(assistant(), { role: 'assistant', content: [thinking] });
  await post({ model: 'mistral/mistral-large-latest', messages: history('So.') });
  assert.deepEqual(assistant(), { role: 'assistant', content: 'So.' });
});

test('gives mistral the reasoning items of a response as a part of the content', async () => {
  upstream.reply({ json: completion({ content: 'Hello' }) });
  const input = [
    { role: 'user', content: 'Hi' },
    { type: 'reasoning', id: 'rs_1', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] },
    {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'So.', annotations: [] }],
    },
    { role: 'user', content: 'And?' },
  ];
  await post({ model: 'mistral/magistral-small-2509', input }, {}, '/responses');
  assert.deepEqual((sent()['messages'] as unknown[])[1], {
    role: 'assistant',
    content: [
      { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
      { type: 'text', text: 'So.' },
    ],
  });
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

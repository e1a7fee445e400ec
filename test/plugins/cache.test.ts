import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { z } from 'zod';
import { bind, definePlugin } from '../../plugin-sdk/index.ts';
import { cachePort } from '../../plugin-sdk/ports/cache.ts';
import type { RunningGateway, StartOptions, Upstream } from '../../plugin-sdk/testing/index.ts';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';

const words = 'The quick brown fox jumps over the lazy dog again and again'.split(' ').map((word) => `${word} `);

function completion(content: string, more: object = {}): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-4o',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        logprobs: null,
        finish_reason: 'stop',
        ...more,
      },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    system_fingerprint: 'fp_1',
  };
}

function chunk(delta: object, finish: string | null = null): object {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o', choices, usage: null };
}

const usageChunk = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-4o',
  choices: [],
  usage: { prompt_tokens: 3, completion_tokens: 12, total_tokens: 15 },
};
const stream = [
  chunk({ role: 'assistant', content: '', refusal: null }),
  ...words.map((content) => chunk({ content })),
  chunk({}, 'stop'),
  usageChunk,
  'data: [DONE]\n\n',
];

interface Cached extends RunningGateway {
  readonly upstream: Upstream;
  chat(body?: object, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>;
  api(path: string, init?: RequestInit): Promise<Response>;
}

async function cached(options: Record<string, unknown> = {}, more: StartOptions = {}): Promise<Cached> {
  const upstream = await startUpstream();
  upstream.always((seen) =>
    (seen.json as { stream?: boolean }).stream === true ? { events: stream } : { json: completion('hello') },
  );
  const starting = startGateway({
    ...more,
    plugins: {
      'routes/openai': {},
      'plugins/key-pool': {},
      'providers/openai': upstream.provider({ retries: undefined }),
      'plugins/cache': options,
      ...more.plugins,
    },
  });
  const gateway = await starting.catch(async (error) => {
    await upstream.close();
    throw error;
  });
  const close = async (): Promise<void> => {
    await gateway.close();
    await upstream.close();
  };
  return {
    ...gateway,
    upstream,
    close,
    [Symbol.asyncDispose]: close,
    chat: (body = {}, headers = {}, signal) =>
      fetch(`${gateway.url}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer sk-caller', ...headers },
        body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }], ...body }),
        ...(signal === undefined ? {} : { signal }),
      }),
    api: (path, init = {}) =>
      fetch(`${gateway.url}/api${path}`, { ...init, headers: { authorization: `Bearer ${gateway.adminToken}` } }),
  };
}

test('answers the second of two identical requests from the cache', async () => {
  await using gateway = await cached();
  const first = await gateway.chat();
  assert.equal(first.headers.get('x-bf-cache'), 'miss');
  const told = await first.json();
  const second = await gateway.chat();
  assert.equal(second.headers.get('x-bf-cache'), 'hit');
  assert.equal(second.headers.get('x-bf-cache-age'), '0');
  assert.deepEqual(await second.json(), told);
  assert.equal(gateway.upstream.requests.length, 1);
});

test('serves a stream and a whole answer from the same entry, whichever filled it', async () => {
  await using gateway = await cached();
  await (await gateway.chat({ stream: true, stream_options: { include_usage: true } })).text();
  const whole = (await (await gateway.chat()).json()) as OpenAI.ChatCompletion;
  assert.equal(whole.object, 'chat.completion');
  assert.equal(whole.choices[0]!.message.content, words.join(''));
  assert.equal(whole.usage?.total_tokens, 15);
  await (await gateway.chat({ seed: 2 })).text();
  const streamed = await (await gateway.chat({ seed: 2, stream: true })).text();
  assert.match(streamed, /"content":"hello"/);
  assert.ok(streamed.endsWith('data: [DONE]\n\n'));
  assert.equal(gateway.upstream.requests.length, 2);
});

test('a replayed stream tells what the upstream told, event by event, and suits the SDK', async () => {
  await using gateway = await cached();
  const body = { stream: true, stream_options: { include_usage: true } };
  const first = await (await gateway.chat(body)).text();
  const hit = await gateway.chat(body);
  assert.equal(hit.headers.get('x-bf-cache'), 'hit');
  assert.match(hit.headers.get('content-type')!, /^text\/event-stream/);
  assert.equal(await hit.text(), first);
  const client = new OpenAI({ baseURL: `${gateway.url}/openai/v1`, apiKey: 'sk-caller', maxRetries: 0 });
  const told = client.chat.completions.stream({
    model: 'gpt-4o',
    messages: [{ role: 'user', content: 'hi' }],
    stream_options: { include_usage: true },
  });
  assert.equal(await told.finalContent(), words.join(''));
  assert.equal((await told.totalUsage()).total_tokens, 15);
  assert.equal(gateway.upstream.requests.length, 1);
});

test('an entry without usage does not answer a client that reads the usage', async () => {
  await using gateway = await cached();
  gateway.upstream.reply({ events: stream.filter((event) => event !== usageChunk) });
  await (await gateway.chat({ stream: true })).text();
  assert.equal((await gateway.chat({ stream: true })).headers.get('x-bf-cache'), 'hit');
  const whole = await gateway.chat();
  assert.equal(whole.headers.get('x-bf-cache'), 'miss');
  assert.ok(((await whole.json()) as OpenAI.ChatCompletion).usage);
});

test('gives a stream back at the pace at which it came, where asked to', async () => {
  await using gateway = await cached({ pace: 'recorded' });
  gateway.upstream.reply({ events: stream, chunkDelayMs: 12 });
  await (await gateway.chat({ stream: true })).text();
  const started = performance.now();
  assert.match(await (await gateway.chat({ stream: true })).text(), /\[DONE\]/);
  assert.ok(performance.now() - started > 100);
});

test('answers neither other callers nor other credentials', async () => {
  await using gateway = await cached();
  await (await gateway.chat()).text();
  for (const headers of [{ authorization: 'Bearer sk-other' }, { authorization: '' }, { 'api-key': 'sk-azure' }]) {
    assert.equal((await gateway.chat({}, headers as Record<string, string>)).headers.get('x-bf-cache'), 'miss');
  }
  assert.equal((await gateway.chat()).headers.get('x-bf-cache'), 'hit');
});

test('shares answers among virtual keys only where the operator says so, and never past a refusal', async () => {
  const virtualKeys = ['one', 'two', 'three'].map((name) => ({
    id: `vk-${name}`,
    name,
    value: `sk-bf-${name}-0123456789`,
    ...(name === 'three' ? { models: ['gpt-4o-mini'] } : {}),
  }));
  const governance = { 'plugins/governance': { required: true, virtualKeys } };
  for (const share of ['caller', 'everyone']) {
    await using gateway = await cached({ share }, { plugins: governance });
    const ask = (name: string) => gateway.chat({}, { authorization: `Bearer sk-bf-${name}-0123456789` });
    await (await ask('one')).text();
    assert.equal((await ask('one')).headers.get('x-bf-cache'), 'hit');
    assert.equal((await ask('two')).headers.get('x-bf-cache'), share === 'caller' ? 'miss' : 'hit');
    assert.equal((await ask('three')).status, 403);
  }
});

test('keeps no errors, no cut streams and no answers that ended early', async () => {
  await using gateway = await cached();
  const notKept = [
    { status: 400, json: { error: { message: 'no', type: 'invalid_request_error' } } },
    { json: completion('hel', { finish_reason: 'length' }) },
    { json: completion('', { finish_reason: 'content_filter' }) },
    { json: completion('') },
    {
      json: {
        ...completion('no'),
        choices: [
          { index: 0, message: { role: 'assistant', content: null, refusal: 'I will not.' }, finish_reason: 'stop' },
        ],
      },
    },
  ];
  for (const script of notKept) {
    gateway.upstream.reply(script);
    assert.equal((await gateway.chat()).headers.get('x-bf-cache'), 'miss');
  }
  gateway.upstream.reply({ events: stream.slice(0, 5), fault: 'cut' });
  const cut = await gateway.chat({ stream: true });
  assert.doesNotMatch(await cut.text(), /\[DONE\]/);
  assert.equal((await gateway.chat({ stream: true })).headers.get('x-bf-cache'), 'miss');
});

test('obeys the headers of a request', async () => {
  await using gateway = await cached();
  const cacheOf = async (headers: Record<string, string>): Promise<string | null> => {
    const response = await gateway.chat({}, headers);
    await response.text();
    return response.headers.get('x-bf-cache');
  };
  assert.equal(await cacheOf({ 'x-bf-cache-no-store': 'true' }), 'miss');
  assert.equal(await cacheOf({}), 'miss');
  // An answer is stored behind the reply, so the next call may come a moment too early.
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(await cacheOf({ 'x-bf-cache-no-store': 'true' }), 'hit');
  assert.equal(await cacheOf({ 'x-bf-cache-type': 'direct' }), 'hit');
  assert.equal(await cacheOf({ 'x-bf-cache-type': 'semantic' }), 'miss');
  assert.equal(await cacheOf({ 'x-bf-cache-key': 'session-1' }), 'miss');
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(await cacheOf({ 'x-bf-cache-key': 'session-1', 'x-bf-cache-ttl': '1h30m' }), 'hit');
  assert.equal(await cacheOf({ 'x-bf-cache-key': 'brief', 'x-bf-cache-ttl': '200ms' }), 'miss');
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.equal(await cacheOf({ 'x-bf-cache-key': 'brief' }), 'miss');
  for (const headers of [
    { 'x-bf-cache-ttl': 'soon' },
    { 'x-bf-cache-type': 'fuzzy' },
    { 'x-bf-cache-threshold': 'high' },
  ]) {
    const refused = await gateway.chat({}, headers as Record<string, string>);
    assert.equal(refused.status, 400);
    assert.equal(((await refused.json()) as { error: { param: string } }).error.param, Object.keys(headers)[0]);
  }
});

test('makes one call of 200 identical requests in flight', async () => {
  await using gateway = await cached();
  gateway.upstream.always({ json: completion('once'), delayMs: 100 });
  const responses = await Promise.all(Array.from({ length: 200 }, () => gateway.chat()));
  for (const response of responses) {
    assert.equal(((await response.json()) as OpenAI.ChatCompletion).choices[0]!.message.content, 'once');
  }
  assert.equal(gateway.upstream.requests.length, 1);
  const kinds = responses.map((response) => response.headers.get('x-bf-cache'));
  assert.equal(kinds.filter((kind) => kind === 'miss').length, 1);
  assert.equal(kinds.filter((kind) => kind === 'hit').length, 199);
});

test('makes one call of streams and whole requests in flight together', async () => {
  await using gateway = await cached();
  gateway.upstream.always({ events: stream, chunkDelayMs: 5 });
  const first = gateway.chat({ stream: true, stream_options: { include_usage: true } });
  await until(() => gateway.upstream.requests.length === 1);
  const others = await Promise.all([gateway.chat(), gateway.chat({ stream: true })]);
  assert.match(await others[0]!.text(), /quick brown fox/);
  assert.match(await others[1]!.text(), /\[DONE\]/);
  await (await first).text();
  assert.equal(gateway.upstream.requests.length, 1);
});

test('the client that asked first leaves and the others still get their answer', async () => {
  await using gateway = await cached();
  const { promise: after, resolve: release } = Promise.withResolvers<void>();
  gateway.upstream.always({ json: completion('late'), after });
  const leaving = new AbortController();
  const first = gateway.chat({}, {}, leaving.signal).catch(() => 'left');
  await until(() => gateway.upstream.requests.length === 1);
  const others = Array.from({ length: 20 }, () => gateway.chat());
  await new Promise((resolve) => setTimeout(resolve, 40));
  leaving.abort();
  assert.equal(await first, 'left');
  await until(() => gateway.upstream.requests.length === 2);
  release();
  for (const response of await Promise.all(others)) assert.equal(response.status, 200);
  assert.equal(gateway.upstream.requests.length, 2);
});

test('a waiting client that leaves does not disturb the others', async () => {
  await using gateway = await cached();
  const { promise: after, resolve: release } = Promise.withResolvers<void>();
  gateway.upstream.always({ json: completion('late'), after });
  const first = gateway.chat();
  await until(() => gateway.upstream.requests.length === 1);
  const leaving = new AbortController();
  const second = gateway.chat({}, {}, leaving.signal).catch(() => 'left');
  const third = gateway.chat();
  await new Promise((resolve) => setTimeout(resolve, 30));
  leaving.abort();
  assert.equal(await second, 'left');
  release();
  assert.equal((await first).status, 200);
  assert.equal((await third).headers.get('x-bf-cache'), 'hit');
  assert.equal(gateway.upstream.requests.length, 1);
});

test('when the first fails, each of the others makes its own call', async () => {
  await using gateway = await cached();
  gateway.upstream.reply({ status: 400, json: { error: { message: 'no' } }, delayMs: 80 });
  const responses = await Promise.all(Array.from({ length: 4 }, () => gateway.chat()));
  assert.deepEqual(responses.map(({ status }) => status).sort(), [200, 200, 200, 400]);
});

test('a hit is free, or charged like the call that filled it', async () => {
  for (const costOfHit of ['none', 'as-cached']) {
    await using gateway = await cached(
      { costOfHit },
      { plugins: { 'plugins/pricing': {}, 'plugins/records': { flushMs: 5 } } },
    );
    await (await gateway.chat()).text();
    const hit = await gateway.chat();
    assert.equal(hit.headers.get('x-bf-cache'), 'hit');
    await hit.text();
    const records = await recordsOf(gateway, 2);
    const [filled, answered] = records;
    assert.deepEqual(answered!.links, { cache: 'hit', parent: filled!.id });
    assert.ok((filled!.cost as number) > 0);
    assert.equal(answered!.cost, costOfHit === 'none' ? 0 : filled!.cost);
    assert.equal(gateway.upstream.requests.length, 1);
  }
});

test('limits of a caller count hits that are charged', async () => {
  const virtualKeys = [
    { id: 'vk', name: 'vk', value: 'sk-bf-one-0123456789', rateLimits: [{ requests: 2, period: '1h' }] },
  ];
  await using gateway = await cached(
    { costOfHit: 'as-cached' },
    { plugins: { 'plugins/governance': { required: true, virtualKeys } } },
  );
  const ask = async () => {
    const response = await gateway.chat({}, { authorization: 'Bearer sk-bf-one-0123456789' });
    await response.text();
    return response;
  };
  assert.equal((await ask()).headers.get('x-bf-cache'), 'miss');
  assert.equal((await ask()).headers.get('x-bf-cache'), 'hit');
  assert.equal((await ask()).status, 429);
});

test('caches embeddings, and no calls that are not asked to be', async () => {
  await using gateway = await cached();
  gateway.upstream.always({
    json: {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.5] }],
      model: 'e',
      usage: { prompt_tokens: 1, total_tokens: 1 },
    },
  });
  const post = (path: string, body: object) =>
    fetch(`${gateway.url}/openai/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  for (const kind of ['miss', 'hit']) {
    const response = await post('/embeddings', { model: 'text-embedding-3-small', input: 'x' });
    assert.equal(response.headers.get('x-bf-cache'), kind);
    await response.text();
  }
  assert.equal((await post('/moderations', { input: 'x' })).headers.get('x-bf-cache'), null);
});

test('leaves out calls whose tools or state lie with the provider', async () => {
  await using gateway = await cached();
  gateway.upstream.always({
    json: {
      id: 'resp_1',
      object: 'response',
      status: 'completed',
      output: [],
      usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
    },
  });
  for (const more of [{ tools: [{ type: 'web_search' }] }, { background: true }, { conversation: 'conv_1' }]) {
    const response = await fetch(`${gateway.url}/openai/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o', input: 'x', ...more }),
    });
    assert.equal(response.headers.get('x-bf-cache'), null);
  }
});

test('a response is given back with the tags of the request that it answers', async () => {
  await using gateway = await cached();
  const output = [
    {
      id: 'msg_1',
      type: 'message',
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'hi', annotations: [] }],
    },
  ];
  gateway.upstream.always((seen) => {
    const { user, metadata } = seen.json as { user: string; metadata: object };
    return {
      json: {
        id: 'resp_1',
        object: 'response',
        created_at: 1,
        status: 'completed',
        model: 'gpt-4o',
        output,
        user,
        metadata,
        usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
      },
    };
  });
  const ask = async (user: string) => {
    const response = await fetch(`${gateway.url}/openai/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o', input: 'x', user, metadata: { of: user } }),
    });
    return {
      kind: response.headers.get('x-bf-cache'),
      json: (await response.json()) as { user: string; metadata: object },
    };
  };
  await ask('ann');
  const { kind, json } = await ask('bob');
  assert.equal(kind, 'hit');
  assert.deepEqual([json.user, json.metadata], ['bob', { of: 'bob' }]);
});

test('an answer of a fallback is not kept as the answer of the model that was asked', async () => {
  await using gateway = await cached({}, { plugins: { 'plugins/fallbacks': {} } });
  gateway.upstream.reply(
    { status: 400, json: { error: { message: 'no' } } },
    { status: 500, json: { error: { message: 'no' } } },
  );
  const body = { model: 'openai/gpt-4o', fallbacks: ['openai/gpt-4o-mini'] };
  for (let i = 0; i < 2; i++) await (await gateway.chat(body)).text();
  const third = await gateway.chat(body);
  await third.text();
  assert.equal((await gateway.chat(body)).headers.get('x-bf-cache'), 'hit');
});

test("requests that wait get neither a fallback's answer nor one got with somebody's own provider key", async () => {
  const gone = { status: 500, json: { error: { message: 'no' } }, delayMs: 100 };
  await using other = await startUpstream();
  other.always((seen) =>
    (seen.json as { stream?: boolean }).stream === true ? { events: stream } : { json: completion('of the other') },
  );
  const virtualKeys = [
    { id: 'vk-one', name: 'one', value: 'sk-bf-one-0123456789' },
    { id: 'vk-two', name: 'two', value: 'sk-bf-two-0123456789', providers: ['openai'] },
  ];
  await using gateway = await cached(
    { share: 'everyone' },
    {
      plugins: {
        'plugins/fallbacks': {},
        'plugins/direct-keys': { enabled: true },
        'plugins/governance': { virtualKeys },
        second: { use: 'providers/openai', ...other.provider() },
      },
    },
  );
  const one = { authorization: 'Bearer sk-bf-one-0123456789' };
  const two = { authorization: 'Bearer sk-bf-two-0123456789' };
  const whole = { model: 'openai/gpt-4o', fallbacks: ['second/gpt-4o'] };
  for (const body of [whole, { ...whole, seed: 1, stream: true, stream_options: { include_usage: true } }]) {
    const before = gateway.upstream.requests.length;
    gateway.upstream.reply(gone);
    const first = gateway.chat(body, one);
    await until(() => gateway.upstream.requests.length > before);
    const waiting = await gateway.chat(body, two);
    assert.equal(waiting.headers.get('x-bf-cache'), 'miss');
    assert.equal(waiting.headers.get('x-bf-provider'), 'openai');
    await Promise.all([waiting.text(), (await first).text()]);
    assert.equal(gateway.upstream.requests.length, before + 2);
  }
  const own = { 'x-bf-vk': 'sk-bf-one-0123456789', authorization: 'Bearer sk-of-my-own' };
  const before = gateway.upstream.requests.length;
  gateway.upstream.reply({ json: completion('for me alone'), delayMs: 100 });
  const first = gateway.chat({ seed: 7 }, own);
  await until(() => gateway.upstream.requests.length > before);
  const waiting = await gateway.chat({ seed: 7 }, two);
  assert.equal(((await waiting.json()) as OpenAI.ChatCompletion).choices[0]!.message.content, 'hello');
  assert.equal((await first).headers.get('x-bf-key'), 'direct');
});

test('other options of a plugin that changes content make another cache', async () => {
  await using gateway = await cached();
  await (await gateway.chat()).text();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const plugins = {
    'routes/openai': {},
    'plugins/key-pool': {},
    'providers/openai': gateway.upstream.provider(),
    'plugins/cache': {},
  };
  await gateway.reload({ plugins });
  assert.equal((await gateway.chat()).headers.get('x-bf-cache'), 'hit');
  await gateway.reload({ plugins: { ...plugins, 'plugins/governance': {} } });
  assert.equal((await gateway.chat()).headers.get('x-bf-cache'), 'miss');
});

test('metrics say what the cache answered and keeps', async () => {
  await using gateway = await cached({}, { plugins: { 'plugins/metrics': {} } });
  for (let i = 0; i < 3; i++) await (await gateway.chat()).text();
  const response = await fetch(`${gateway.url}/metrics`, {
    headers: { authorization: `Bearer ${gateway.adminToken}` },
  });
  const text = await response.text();
  assert.match(text, /bifrost_cache_lookups_total\{result="hit"\} 2/);
  assert.match(text, /bifrost_cache_lookups_total\{result="miss"\} 1/);
  assert.match(text, /bifrost_cache_entries 1/);
});

test('operators list, count and clear what is kept', async () => {
  await using gateway = await cached();
  for (const key of ['one', 'two', 'two']) await (await gateway.chat({ seed: 1 }, { 'x-bf-cache-key': key })).text();
  await (await gateway.chat({ seed: 2 }, { 'x-bf-cache-key': 'two' })).text();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const list = (await (await gateway.api('/cache?key=two')).json()) as {
    entries: { id: string; key: string; request: string; model: string }[];
  };
  assert.equal(list.entries.length, 2);
  assert.ok(list.entries.every(({ key, model }) => key === 'two' && model === 'gpt-4o'));
  const stats = (await (await gateway.api('/cache/stats')).json()) as {
    store: { entries: number };
    process: { hits: number; misses: number };
  };
  assert.equal(stats.store.entries, 3);
  assert.deepEqual([stats.process.hits, stats.process.misses], [1, 3]);
  const vague = await gateway.api('/cache', { method: 'DELETE' });
  assert.equal(vague.status, 400, await vague.text());
  const clear = async (query: string) =>
    ((await (await gateway.api(`/cache?${query}`, { method: 'DELETE' })).json()) as { removed: number }).removed;
  assert.equal(await clear(`id=${list.entries[0]!.id}`), 1);
  assert.equal(await clear('key=one'), 1);
  assert.equal((await gateway.chat({ seed: 1 }, { 'x-bf-cache-key': 'one' })).headers.get('x-bf-cache'), 'miss');
  assert.ok((await clear('all=true')) >= 1);
});

test('a hit names what its target could not carry, as the call behind it did; a strict caller gets none of it', async () => {
  await using upstream = await startUpstream();
  let lossyCalls = 0;
  upstream.always(async () => {
    lossyCalls += 1;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return { json: completion('hello') };
  });
  await using gateway = await cached({}, { plugins: { 'providers/groq': upstream.provider() } });
  const ask = (headers = {}) => gateway.chat({ model: 'groq/llama', logprobs: true }, headers);
  const together = await Promise.all([ask(), ask()]);
  assert.deepEqual(together.map(({ headers }) => headers.get('x-bf-cache')).sort(), ['hit', 'miss']);
  for (const reply of [...together, await ask()]) assert.equal(reply.headers.get('x-bf-lossy'), 'logprobs');
  assert.equal(lossyCalls, 1);
  assert.equal((await ask({ 'x-bf-strict': 'true' })).status, 400);
  const plain = () => gateway.chat({ model: 'groq/llama' });
  await plain();
  assert.equal((await plain()).headers.get('x-bf-lossy'), null);
});

test('the clearing of entries stands in the audit trail, with who did it and what went', async () => {
  await using gateway = await cached({}, { plugins: { 'plugins/admin-api': {} } });
  await (await gateway.chat({}, { 'x-bf-cache-key': 'one' })).text();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await gateway.api('/cache?key=one', { method: 'DELETE' });
  await gateway.api('/cache?all=true', { method: 'DELETE' });
  const { data } = (await (await gateway.api('/audit')).json()) as {
    data: { action: string; kind: string; id: string; actor: { id: string }; before: object }[];
  };
  assert.deepEqual(
    data.map(({ action, kind, id, actor, before }) => [action, kind, id, actor.id, before]),
    [
      ['clear', 'cache', 'all', 'admin:test', { entries: 0 }],
      ['clear', 'cache', 'namespace=one', 'admin:test', { entries: 1 }],
    ],
  );
});

async function recordsOf(gateway: Cached, count: number) {
  for (let tries = 0; tries < 100; tries++) {
    const { records } = (await (await gateway.api('/records?order=asc')).json()) as {
      records: { id: string; links: object; cost: unknown }[];
    };
    if (records.length >= count) return records;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`there are not ${count} records`);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Puts a mark behind every answer, once. */
const marking = definePlugin({
  name: 'marking',
  options: z.strictObject({}),
  setup: () => ({
    hooks: {
      transformResponse: {
        json({ answer, ...reply }) {
          const [choice] = answer!.choices;
          const [block] = choice!.blocks;
          const text = `${block!.type === 'text' ? block!.text : ''}[mark]`;
          return { ...reply, answer: { ...answer!, choices: [{ ...choice!, blocks: [{ type: 'text', text }] }] } };
        },
        stream: () => ({
          event(event, emit) {
            if (event.type === 'block-end')
              emit({ type: 'text', choice: event.choice, block: event.block, text: '[mark]' });
            emit(event);
          },
        }),
      },
    },
  }),
});

test('other plugins change each answer once, be it from a provider or from the cache', async () => {
  await using gateway = await cached({}, { definitions: { marking: marking as never }, plugins: { marking: {} } });
  for (const kind of ['miss', 'hit', 'hit']) {
    const whole = await gateway.chat();
    assert.equal(whole.headers.get('x-bf-cache'), kind);
    assert.equal(((await whole.json()) as OpenAI.ChatCompletion).choices[0]!.message.content, 'hello[mark]');
    const streamed = await (await gateway.chat({ stream: true, seed: 1 })).text();
    assert.equal(streamed.match(/\[mark\]/g)?.length, 1);
    assert.match(streamed, /\[DONE\]/);
  }
  assert.equal(gateway.upstream.requests.length, 2);
});

test('a client that leaves in the middle of the stream that others wait for does not take it from them', async () => {
  await using gateway = await cached();
  gateway.upstream.always({ events: stream, chunkDelayMs: 15 });
  const leaving = new AbortController();
  const body = { stream: true, stream_options: { include_usage: true } };
  const first = await gateway.chat(body, {}, leaving.signal);
  const others = Array.from({ length: 5 }, async () => (await gateway.chat(body)).text());
  const reader = first.body!.getReader();
  await reader.read();
  leaving.abort();
  for (const text of await Promise.all(others)) {
    assert.match(text, /quick/);
    assert.ok(text.endsWith('data: [DONE]\n\n'));
  }
  assert.equal(gateway.upstream.requests.length, 2);
});

test('a store that fails is a cache that has nothing', async () => {
  const broken = definePlugin({
    name: 'broken-store',
    options: z.strictObject({}),
    provides: [cachePort.capability],
    setup: () => {
      const fail = () => Promise.reject(new Error('the disk is gone'));
      const store = {
        get: fail,
        put: fail,
        delete: fail,
        list: fail,
        stats: fail,
        sweep: fail,
        vectorsId: '',
        addVector: fail,
        vectors: fail,
        vectorAt: fail,
        countVectors: fail,
        shared: true,
        claim: fail,
        isClaimed: fail,
        release: fail,
      };
      return { ports: [bind(cachePort, store)] };
    },
  });
  await using gateway = await cached(
    {},
    { definitions: { 'broken-store': broken as never }, plugins: { 'broken-store': {} } },
  );
  for (let i = 0; i < 2; i++) {
    const response = await gateway.chat();
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('x-bf-cache'), 'miss');
    await response.text();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import {
  type RunningGateway,
  type Script,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-mini',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Once upon a time', refusal: null },
      finish_reason: 'stop',
      logprobs: null,
    },
  ],
  usage: { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 },
};
const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'gpt-4o-mini',
  output: [
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'Once upon a time', annotations: [] }],
    },
  ],
  usage: { input_tokens: 5, output_tokens: 4, total_tokens: 9 },
};
const answers: Record<string, Script> = {
  '/v1/chat/completions': { json: completion },
  '/v1/responses': { json: response },
};
const chatBody = {
  model: 'openai/gpt-4o-mini',
  messages: [{ role: 'user' as const, content: 'Tell me a short story.' }],
};

interface Setup {
  readonly upstream: Upstream;
  readonly gateway: RunningGateway;
  readonly client: OpenAI;
  post(path: string, headers?: Record<string, string>, body?: unknown): Promise<Response>;
}

const deadline = { timeout: 20_000 };

async function start(
  t: TestContext,
  options: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): Promise<Setup> {
  const upstream = await startUpstream();
  upstream.always((request) => answers[request.url] ?? { status: 404, json: { error: { message: 'none' } } });
  const gateway = await startGateway({
    plugins: {
      'routes/openai': {},
      'providers/openai': upstream.provider(),
      'plugins/async-jobs': { pollMs: 20, ...options },
      ...more,
    },
  });
  t.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const client = new OpenAI({ baseURL: `${gateway.url}/openai`, apiKey: 'dummy-key' });
  const post = (path: string, headers: Record<string, string> = {}, body: unknown = chatBody): Promise<Response> =>
    fetch(gateway.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer dummy-key', ...headers },
      body: JSON.stringify(body),
    });
  return { upstream, gateway, client, post };
}

/** Polls a native endpoint until the job has ended. */
async function ended(
  setup: Setup,
  path: string,
  headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  for (let i = 0; i < 200; i++) {
    const reply = await fetch(setup.gateway.url + path, { headers: { authorization: 'Bearer dummy-key', ...headers } });
    if (reply.status !== 202) return (await reply.json()) as Record<string, unknown>;
    await sleep(20);
  }
  throw new Error('the job did not end');
}

async function pollChat(setup: Setup, id: string): Promise<Response> {
  for (let i = 0; i < 200; i++) {
    const reply = await setup.post('/openai/v1/chat/completions', { 'x-bf-async-id': id }, {});
    const status = reply.headers.get('x-bf-async-status');
    if (status !== 'pending' && status !== 'processing') return reply;
    await sleep(20);
  }
  throw new Error('the job did not end');
}

test('runs the chat sample of the documentation with the OpenAI SDK', deadline, async (t) => {
  const { client, upstream } = await start(t);
  upstream.always({ json: completion, delayMs: 300 });
  const initial = await client.chat.completions.create(chatBody, { headers: { 'x-bf-async': 'true' } });
  assert.equal(initial.object, 'chat.completion');
  let text: string | null | undefined;
  // The conditions are those of the documentation, word for word.
  if (initial.choices) {
    text = initial.choices[0]?.message.content;
  } else {
    while (true) {
      await sleep(50);
      const poll = await client.chat.completions.create(chatBody, { headers: { 'x-bf-async-id': initial.id } });
      if (poll.choices) {
        text = poll.choices[0]?.message.content;
        break;
      }
    }
  }
  assert.equal(text, 'Once upon a time');
  assert.equal(upstream.requests.length, 1);
});

test('gives clients other than the JavaScript SDK an empty list of choices while a job waits', deadline, async (t) => {
  const setup = await start(t);
  setup.upstream.always({ fault: 'silent' });
  const reply = await setup.post('/openai/v1/chat/completions', { 'x-bf-async': 'true' }, chatBody);
  assert.deepEqual(((await reply.json()) as { choices: unknown }).choices, []);
});

test(
  'runs the responses sample of the documentation, and retrieve by the job id, with the OpenAI SDK',
  deadline,
  async (t) => {
    const { client, upstream } = await start(t);
    const { promise: after, resolve: release } = Promise.withResolvers<void>();
    upstream.always({ json: response, after });
    const request = { model: 'openai/gpt-4o-mini', input: 'Tell me a short story.' };
    const initial = await client.responses.create(request, { headers: { 'x-bf-async': 'true' } });
    release();
    assert.ok(initial.status === 'queued' || initial.status === 'in_progress');
    assert.equal(initial.output_text, '');
    let text: string | undefined;
    while (true) {
      await sleep(50);
      const poll = await client.responses.create(request, { headers: { 'x-bf-async-id': initial.id } });
      if (poll.status === 'completed') {
        text = poll.output_text;
        break;
      }
    }
    assert.equal(text, 'Once upon a time');
    const retrieved = await client.responses.retrieve(initial.id).withResponse();
    assert.equal(retrieved.data.id, 'resp_1');
    assert.equal(retrieved.response.headers.get('x-bf-async-id'), initial.id);
  },
);

test('cancels a response by the job id and stops its upstream call', deadline, async (t) => {
  const { client, upstream } = await start(t);
  upstream.always({ fault: 'silent' });
  const initial = await client.responses.create(
    { model: 'openai/gpt-4o-mini', input: 'x' },
    { headers: { 'x-bf-async': 'true' } },
  );
  while (upstream.requests.length === 0) await sleep(10);
  const cancelled = await client.responses.cancel(initial.id);
  assert.equal(cancelled.status, 'cancelled');
  const closed = await Promise.race([upstream.requests[0]!.closed.then(() => true), sleep(1_000, false)]);
  assert.ok(closed, 'the call stops at once');
  assert.equal((await client.responses.retrieve(initial.id)).status, 'cancelled');
});

test('gives the whole provider reply byte for byte, with the job id in a header', deadline, async (t) => {
  const setup = await start(t);
  const body =
    '{"id":"chatcmpl-9",  "object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"é"}}],"x":1.0}';
  setup.upstream.always({ body, headers: { 'content-type': 'application/json', 'openai-processing-ms': '12' } });
  const submitted = await setup.post('/openai/v1/chat/completions', { 'x-bf-async': 'true' });
  assert.equal(submitted.status, 200);
  const { id } = (await submitted.json()) as { id: string };
  const reply = await pollChat(setup, id);
  assert.equal(reply.status, 200);
  assert.equal(await reply.text(), body);
  assert.equal(reply.headers.get('x-bf-async-id'), id);
  assert.equal(reply.headers.get('openai-processing-ms'), '12');
  assert.equal(reply.headers.get('x-bf-provider'), 'openai');
});

test("gives the provider's error with its status to whoever polls a failed job", deadline, async (t) => {
  const setup = await start(t);
  setup.upstream.always({
    status: 400,
    json: { error: { message: 'bad model', type: 'invalid_request_error', param: 'model', code: 'x' } },
  });
  const { id } = (await (await setup.post('/openai/v1/chat/completions', { 'x-bf-async': 'true' })).json()) as {
    id: string;
  };
  const reply = await pollChat(setup, id);
  assert.equal(reply.status, 400);
  assert.equal(reply.headers.get('x-should-retry'), 'false');
  assert.equal(((await reply.json()) as { error: { message: string } }).error.message, 'bad model');
});

test('submits, shows and lists jobs on the native endpoints', deadline, async (t) => {
  const setup = await start(t);
  const submitted = await setup.post('/v1/async/chat/completions');
  assert.equal(submitted.status, 202);
  const job = (await submitted.json()) as { id: string; status: string };
  assert.ok(job.status === 'pending' || job.status === 'processing');
  const done = await ended(setup, `/v1/async/chat/completions/${job.id}`);
  assert.equal(done['status'], 'completed');
  assert.equal(done['status_code'], 200);
  assert.equal((done['result'] as { id: string }).id, 'chatcmpl-1');
  assert.equal(setup.upstream.requests[0]?.url, '/v1/chat/completions');
  const list = await fetch(`${setup.gateway.url}/v1/async/jobs`, { headers: { authorization: 'Bearer dummy-key' } });
  assert.deepEqual(
    ((await list.json()) as { data: { id: string }[] }).data.map(({ id }) => id),
    [job.id],
  );
  const others = await fetch(`${setup.gateway.url}/v1/async/jobs`, { headers: { authorization: 'Bearer other' } });
  assert.deepEqual(((await others.json()) as { data: unknown[] }).data, []);
});

test('answers 404 alike for unknown, foreign, expired and differently typed jobs', deadline, async (t) => {
  const setup = await start(t);
  const { id } = (await (
    await setup.post('/openai/v1/chat/completions', { 'x-bf-async': 'true', 'x-bf-async-job-result-ttl': '1' })
  ).json()) as {
    id: string;
  };
  assert.equal((await pollChat(setup, id)).status, 200);
  const bodies = new Set<string>();
  const expect404 = async (reply: Response): Promise<void> => {
    assert.equal(reply.status, 404);
    bodies.add(await reply.text());
  };
  await expect404(
    await setup.post('/openai/v1/chat/completions', { 'x-bf-async-id': id, authorization: 'Bearer other' }, {}),
  );
  await expect404(await setup.post('/openai/v1/chat/completions', { 'x-bf-async-id': 'job_unknown' }, {}));
  await expect404(await setup.post('/openai/v1/chat/completions', { 'x-bf-async-id': 'nonsense' }, {}));
  await expect404(await setup.post('/openai/v1/embeddings', { 'x-bf-async-id': id }, {}));
  await sleep(1_100);
  await expect404(await setup.post('/openai/v1/chat/completions', { 'x-bf-async-id': id }, {}));
  assert.equal(bodies.size, 1);
});

test('refuses streams, bad lives, unknown webhooks and operations that are no inference', deadline, async (t) => {
  const setup = await start(t);
  const submit = { 'x-bf-async': 'true' };
  const refused = async (reply: Response, status: number, code: string): Promise<void> => {
    assert.equal(reply.status, status);
    assert.equal(((await reply.json()) as { error: { code: string } }).error.code, code);
  };
  const chat = '/openai/v1/chat/completions';
  await refused(await setup.post(chat, submit, { ...chatBody, stream: true }), 400, 'async_stream');
  for (const ttl of ['0', '-1', 'soon', '1.5', '99999999999']) {
    await refused(await setup.post(chat, { ...submit, 'x-bf-async-job-result-ttl': ttl }), 400, 'invalid_ttl');
  }
  await refused(await setup.post(chat, { ...submit, 'x-bf-async-webhook': 'nowhere' }), 400, 'unknown_webhook');
  const models = await fetch(`${setup.gateway.url}/openai/v1/models`, { headers: submit });
  await refused(models, 400, 'async_unsupported');
  assert.equal(setup.upstream.requests.length, 0);
});

test('names the option to raise when a body is larger than a job may keep', deadline, async (t) => {
  const setup = await start(t, { maxRequestBytes: 50 });
  const reply = await setup.post('/openai/v1/chat/completions', { 'x-bf-async': 'true' });
  assert.equal(reply.status, 413);
  const { error } = (await reply.json()) as { error: { message: string; code: string } };
  assert.equal(error.code, 'request_too_large');
  assert.match(error.message, /50 bytes.*raise maxRequestBytes of plugins\/async-jobs/);
  assert.doesNotMatch(error.message, /server\.limits/);
});

test('keeps no credential of a waiting job in plain text, and its key file to the owner alone', deadline, async (t) => {
  const setup = await start(t);
  setup.upstream.always({ fault: 'silent' });
  await setup.post('/openai/v1/chat/completions', {
    'x-bf-async': 'true',
    authorization: 'Bearer sk-very-secret-value',
  });
  const folder = join(setup.gateway.dataDir, 'jobs');
  assert.ok(!readFileSync(join(folder, 'data.mdb')).includes('sk-very-secret-value'));
  assert.equal(statSync(join(folder, 'seal.key')).mode & 0o777, 0o600);
});

test('gives the same job for the same Idempotency-Key and refuses another body', deadline, async (t) => {
  const setup = await start(t);
  const headers = { 'x-bf-async': 'true', 'idempotency-key': 'order-1' };
  const ids = await Promise.all(
    [1, 2, 3].map(
      async () => ((await (await setup.post('/openai/v1/chat/completions', headers)).json()) as { id: string }).id,
    ),
  );
  await pollChat(setup, ids.find((id) => id.startsWith('job_'))!);
  assert.equal(setup.upstream.requests.length, 1);
  const other = await setup.post('/openai/v1/chat/completions', headers, { ...chatBody, temperature: 0 });
  assert.equal(other.status, 422);
});

test('runs a plain request with an Idempotency-Key once, where that is switched on', deadline, async (t) => {
  const setup = await start(t, { plainIdempotency: true });
  setup.upstream.always({ json: completion, delayMs: 200 });
  const replies = await Promise.all(
    [1, 2].map(() => setup.post('/openai/v1/chat/completions', { 'idempotency-key': 'once' })),
  );
  const texts = await Promise.all(replies.map((reply) => reply.text()));
  assert.deepEqual(texts, [JSON.stringify(completion), JSON.stringify(completion)]);
  assert.equal(setup.upstream.requests.length, 1);
  assert.deepEqual(replies.map(({ headers }) => headers.get('idempotent-replayed')).sort(), ['true', null].sort());
});

test('stores a multipart upload and a binary reply as bytes', deadline, async (t) => {
  const setup = await start(t);
  setup.upstream.reply({ json: { text: 'hello' } });
  const form = new FormData();
  form.set('model', 'whisper-1');
  form.set('file', new File([Buffer.alloc(200_000, 7)], 'a.wav', { type: 'audio/wav' }));
  const headers = { authorization: 'Bearer dummy-key' };
  const url = `${setup.gateway.url}/v1/async/audio/transcriptions`;
  const submitted = await fetch(url, { method: 'POST', headers, body: form });
  assert.equal(submitted.status, 202);
  const { id } = (await submitted.json()) as { id: string };
  const done = await ended(setup, `/v1/async/audio/transcriptions/${id}`);
  assert.deepEqual(done['result'], { text: 'hello' });
  assert.ok(setup.upstream.requests[0]!.body.includes(Buffer.alloc(200_000, 7)));

  const sound = Buffer.from([0xff, 0xf3, 0, 1, 2, 0x80]);
  setup.upstream.reply({ body: sound, headers: { 'content-type': 'audio/mpeg' } });
  const speech = { model: 'tts-1', voice: 'alloy', input: 'hi' };
  const pending = (await (await setup.post('/openai/v1/audio/speech', { 'x-bf-async': 'true' }, speech)).json()) as {
    id: string;
  };
  for (;;) {
    await sleep(20);
    const poll = await setup.post('/openai/v1/audio/speech', { 'x-bf-async-id': pending.id }, speech);
    if (poll.headers.get('x-bf-async-status') !== 'completed') continue;
    assert.equal(poll.headers.get('content-type'), 'audio/mpeg');
    assert.deepEqual(Buffer.from(await poll.arrayBuffer()), sound);
    break;
  }
});

test('gives embeddings and images objects that their SDK parses while the job waits', deadline, async (t) => {
  const { client, upstream } = await start(t);
  const vector = { object: 'list', data: [{ object: 'embedding', index: 0, embedding: 'AACAPwAAAEA=' }], model: 'e' };
  const embedding = Promise.withResolvers<void>();
  upstream.reply({ json: vector, after: embedding.promise });
  const request = { model: 'text-embedding-3-small', input: 'x' };
  const initial = await client.embeddings.create(request, { headers: { 'x-bf-async': 'true' } }).withResponse();
  embedding.resolve();
  assert.deepEqual(initial.data.data, []);
  const { id } = initial.data as unknown as { id: string };
  assert.equal(initial.response.headers.get('x-bf-async-id'), id);
  for (;;) {
    await sleep(20);
    const poll = await client.embeddings.create(request, { headers: { 'x-bf-async-id': id } });
    if (poll.data.length === 0) continue;
    assert.deepEqual([...poll.data[0]!.embedding], [1, 2]);
    break;
  }
  const image = Promise.withResolvers<void>();
  upstream.reply({ json: { created: 1, data: [{ b64_json: 'AAAA' }] }, after: image.promise });
  const picture = { model: 'gpt-image-1', prompt: 'x' } as const;
  const first = await client.images.generate(picture, { headers: { 'x-bf-async': 'true' } });
  image.resolve();
  assert.deepEqual(first.data, []);
  for (;;) {
    await sleep(20);
    const poll = await client.images.generate(picture, {
      headers: { 'x-bf-async-id': (first as unknown as { id: string }).id },
    });
    if (poll.data?.length === 0) continue;
    assert.equal(poll.data?.[0]?.b64_json, 'AAAA');
    break;
  }
});

test('gives a failed response to retrieve and its error to a poll', deadline, async (t) => {
  const { client, upstream } = await start(t);
  upstream.always({
    status: 400,
    json: {
      error: { message: 'no such model', type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
    },
  });
  const request = { model: 'openai/none', input: 'x' };
  const { id } = await client.responses.create(request, { headers: { 'x-bf-async': 'true' } });
  let state = await client.responses.retrieve(id);
  while (state.status !== 'failed') {
    await sleep(20);
    state = await client.responses.retrieve(id);
  }
  assert.deepEqual(state.error, { code: 'model_not_found', message: 'no such model' });
  await assert.rejects(client.responses.create(request, { headers: { 'x-bf-async-id': id } }), { status: 400 });
});

test('hands a running job back when the server stops, and the next server runs it', deadline, async (t) => {
  const upstream = await startUpstream();
  t.after(() => upstream.close());
  const dataDir = mkdtempSync(join(tmpdir(), 'jobs-stop-'));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const plugins = {
    'routes/openai': {},
    'providers/openai': upstream.provider(),
    'plugins/async-jobs': { pollMs: 20 },
  };
  upstream.always({ fault: 'silent' });
  const first = await startGateway({ dataDir, plugins });
  const headers = { 'content-type': 'application/json', authorization: 'Bearer dummy-key' };
  const chat = '/openai/v1/chat/completions';
  const submitted = await fetch(first.url + chat, {
    method: 'POST',
    headers: { ...headers, 'x-bf-async': 'true' },
    body: JSON.stringify(chatBody),
  });
  const { id } = (await submitted.json()) as { id: string };
  while (upstream.requests.length === 0) await sleep(10);
  await first.close();
  await upstream.requests[0]!.closed;
  upstream.always({ json: completion });
  const second = await startGateway({ dataDir, plugins });
  t.after(() => second.close());
  let status: string | null = '';
  while (status !== 'completed') {
    await sleep(20);
    const poll = await fetch(second.url + chat, {
      method: 'POST',
      headers: { ...headers, 'x-bf-async-id': id },
      body: '{}',
    });
    status = poll.headers.get('x-bf-async-status');
    await poll.text();
  }
  assert.equal(upstream.requests.length, 2);
});

test('stops and fails a run that takes longer than it may', deadline, async (t) => {
  const setup = await start(t, { maxRunSeconds: 1 });
  setup.upstream.always({ fault: 'silent' });
  const { id } = (await (await setup.post('/v1/async/chat/completions')).json()) as { id: string };
  const done = await ended(setup, `/v1/async/chat/completions/${id}`);
  assert.equal(done['status'], 'failed');
  assert.equal(done['status_code'], 504);
  await setup.upstream.requests[0]!.closed;
});

test('gives a job to its virtual key however that is sent, and to no other', deadline, async (t) => {
  const virtualKeys = ['one', 'two'].map((id) => ({ id, name: id, value: `sk-bf-${id}-value` }));
  const setup = await start(t, {}, { 'plugins/governance': { required: true, virtualKeys } });
  const chat = '/openai/v1/chat/completions';
  const submitted = await setup.post(chat, { 'x-bf-async': 'true', authorization: 'Bearer sk-bf-one-value' });
  assert.equal(submitted.status, 200);
  const { id } = (await submitted.json()) as { id: string };
  const poll = (headers: Record<string, string>) => setup.post(chat, { 'x-bf-async-id': id, ...headers }, {});
  while ((await poll({ 'x-bf-vk': 'sk-bf-one-value' })).headers.get('x-bf-async-status') !== 'completed')
    await sleep(20);
  assert.equal((await poll({ 'x-api-key': 'sk-bf-one-value', authorization: '' })).status, 200);
  assert.equal((await poll({ 'x-bf-vk': 'sk-bf-two-value' })).status, 404);
  assert.equal((await poll({})).status, 401);
});

test('keeps running jobs through a reload', deadline, async (t) => {
  const setup = await start(t);
  const { promise: after, resolve: release } = Promise.withResolvers<void>();
  setup.upstream.always({ json: completion, after });
  const { id } = (await (await setup.post('/openai/v1/chat/completions', { 'x-bf-async': 'true' })).json()) as {
    id: string;
  };
  while (setup.upstream.requests.length === 0) await sleep(10);
  await setup.gateway.reload({
    plugins: {
      'routes/openai': {},
      'providers/openai': setup.upstream.provider(),
      'plugins/async-jobs': { pollMs: 20, concurrency: 3 },
    },
  });
  release();
  const second = (await (await setup.post('/openai/v1/chat/completions', { 'x-bf-async': 'true' })).json()) as {
    id: string;
  };
  assert.equal((await pollChat(setup, id)).status, 200);
  assert.equal((await pollChat(setup, second.id)).status, 200);
  assert.equal(setup.upstream.requests.length, 2);
});

test('says at the start what it needs when there is no store', async () => {
  await assert.rejects(
    startGateway({ plugins: { 'plugins/async-jobs': {}, 'plugins/store-lmdb': false } }),
    /port:jobs/,
  );
});

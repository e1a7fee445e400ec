import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { AzureOpenAI } from 'openai';
import { AzureOpenAI as AzureOpenAI6 } from 'openai-6';
import {
  type RunningGateway,
  type SeenRequest,
  startGateway,
  startUpstream,
  type Upstream,
} from '../../plugin-sdk/testing/index.ts';

const methodsFile = join(import.meta.dirname, '..', '..', '..', 'shared', 'reference', 'openai-sdk-7.57-methods.tsv');
const methodsMissing = existsSync(methodsFile) ? false : 'no list of SDK methods beside the repository';

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'Hi', refusal: null }, logprobs: null, finish_reason: 'stop' },
  ],
};

let upstream: Upstream;
let azure: Upstream;
let gateway: RunningGateway;

before(async () => {
  upstream = await startUpstream();
  azure = await startUpstream();
  gateway = await startGateway({
    plugins: {
      'routes/openai': {},
      'providers/openai': upstream.provider(),
      // Stands for Azure here: what matters is which provider is chosen.
      azure: { use: 'providers/openai-compatible', ...azure.provider() },
    },
  });
});

beforeEach(() => {
  upstream.always({ json: completion });
  azure.always({ json: completion });
});

after(async () => {
  await gateway?.close();
  await Promise.all([upstream?.close(), azure?.close()]);
});

const last = ({ requests }: Upstream): SeenRequest => requests.at(-1) as SeenRequest;

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

test('serves every REST method of the OpenAI SDK with and without a version', { skip: methodsMissing }, async (t) => {
  const rows = readFileSync(methodsFile, 'utf8')
    .split('\n')
    .map((line) => line.split('\t') as [string, string, string]);
  const methods = new Set(
    rows
      .filter(([name, , path]) => !name.startsWith('admin.organization') && path?.startsWith('/'))
      .map(([, verb, path]) => `${verb} ${path.replace(/\{\w+\}/g, 'id-1')}`),
  );
  for (const method of [...methods, 'POST /embeddings']) {
    const [verb, path] = method.split(' ') as [string, string];
    // Model lists are the gateway's own.
    if (verb === 'GET' && path.startsWith('/models')) continue;
    for (const mount of ['/openai', '/openai/v1', '/openai/openai']) {
      const body = verb === 'POST' ? { body: '{"model":"m"}', headers: { 'content-type': 'application/json' } } : {};
      const { status } = await fetch(gateway.url + mount + path, { method: verb, ...body });
      assert.equal(status, 200, `${verb} ${mount}${path}`);
      assert.equal(last(upstream).url, `/v1${path}`);
      assert.equal(last(upstream).method, verb);
    }
  }
  t.diagnostic(`${methods.size + 1} methods at three mounts`);
});

test('answers an unknown path with 404 and a wrong method with 405, in the shape of OpenAI', async () => {
  const unknown = await post('/openai/v1/chat/complete', {});
  assert.equal(unknown.status, 404);
  assert.deepEqual(await unknown.json(), {
    error: {
      message:
        "There is no endpoint POST /openai/v1/chat/complete. Beneath /openai are the paths of OpenAI's API, such as /openai/v1/chat/completions.",
      type: 'not_found_error',
      param: null,
      code: 'unknown_url',
    },
  });
  const wrong = await fetch(`${gateway.url}/openai/v1/embeddings`);
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get('allow'), 'POST');
  assert.equal(((await wrong.json()) as { error: { code: string } }).error.code, 'method_not_allowed');
});

test('says where a path without the mount was meant to go, and where endpoints are', async () => {
  const message = async (path: string): Promise<string> => {
    const reply = await post(path, {});
    assert.equal(reply.status, 404);
    return ((await reply.json()) as { error: { message: string } }).error.message;
  };
  assert.match(await message('/v1/chat/completions'), /Did you mean \/openai\/v1\/chat\/completions\?$/);
  assert.match(await message('/chat/completions'), /Did you mean \/openai\/chat\/completions\?$/);
  assert.match(await message('/elsewhere'), /Endpoints are at \/openai\b/);
});

test('answers a form where JSON is wanted with 415 and the content type to send', async () => {
  const reply = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: '{"model":"gpt-4o","messages":[]}',
  });
  assert.equal(reply.status, 415);
  assert.match(await reply.text(), /Send it with content-type: application\/json\./);
});

test('answers HEAD as GET without a body', async () => {
  upstream.always({ json: { id: 'file-1' }, headers: { 'x-fact': 'yes' } });
  const reply = await fetch(`${gateway.url}/openai/v1/files/file-1`, { method: 'HEAD' });
  assert.deepEqual([reply.status, reply.headers.get('x-fact'), await reply.text()], [200, 'yes', '']);
  assert.equal(last(upstream).method, 'HEAD');
  assert.equal((await fetch(`${gateway.url}/openai/v1/chat/completions`, { method: 'HEAD' })).status, 200);
  assert.equal((await fetch(`${gateway.url}/openai/v1/embeddings`, { method: 'HEAD' })).status, 405);
});

test('refuses paths that another server could read as a step elsewhere', async () => {
  const { port } = gateway;
  const paths = [
    'files/..%2f..%2forganization',
    'files/%2e%2e/content',
    'files//content',
    'files/a%5c..%5cb',
    'files/%zz',
    'files/a%00',
  ];
  for (const path of paths) {
    const { status, body } = await rawGet(port, `/openai/v1/${path}`);
    assert.equal(status, 400, path);
    assert.equal(JSON.parse(body).error.code, 'invalid_path', path);
  }
});

test('splits a model at its first slash only when a configured provider stands before it', async () => {
  await post('/openai/v1/chat/completions', { model: 'azure/gpt-4o', messages: [] });
  assert.equal((last(azure).json as { model: string }).model, 'gpt-4o');
  await post('/openai/v1/chat/completions', { model: 'meta-llama/Llama-3', messages: [] });
  assert.equal((last(upstream).json as { model: string }).model, 'meta-llama/Llama-3');
});

test('rewrites the model of a form without touching its file', async () => {
  const file = Buffer.from([0, 255, 13, 10, 45, 45, 1]);
  const form = new FormData();
  form.append('file', new Blob([file]), 'a.wav');
  form.append('model', 'openai/whisper-1');
  const reply = await fetch(`${gateway.url}/openai/v1/audio/transcriptions`, { method: 'POST', body: form });
  assert.equal(reply.status, 200);
  const seen = await new Response(last(upstream).body as never, {
    headers: { 'content-type': last(upstream).headers['content-type']! },
  }).formData();
  assert.equal(seen.get('model'), 'whisper-1');
  assert.deepEqual(Buffer.from(await (seen.get('file') as File).arrayBuffer()), file);
});

test('takes the deployment in an Azure-style path over the model in the body', async () => {
  for (const path of [
    '/openai/deployments/openai%2Fgpt-4o',
    '/openai/openai/deployments/openai/gpt-4o',
    '/openai/v1/openai/deployments/openai/gpt-4o',
  ]) {
    await post(`${path}/chat/completions?api-version=2024-10-21`, { model: 'other', messages: [] });
    assert.equal(last(upstream).url, '/v1/chat/completions');
    assert.equal((last(upstream).json as { model: string }).model, 'gpt-4o');
  }
  await post('/openai/deployments/openai/gpt-4o/chat/completions', { messages: [] });
  assert.deepEqual(last(upstream).json, { messages: [], model: 'gpt-4o' });
});

test('gives a plain deployment to azure, and one with an unknown provider to nobody', async () => {
  await post('/openai/openai/deployments/my-gpt/chat/completions?api-version=1', { model: 'x', messages: [] });
  assert.equal((last(azure).json as { model: string }).model, 'my-gpt');
  const unknown = await post('/openai/deployments/nobody/gpt-4o/embeddings', { input: 'a' });
  assert.equal(unknown.status, 400);
  assert.match(await unknown.text(), /The provider nobody is not configured/);
  const missing = await post('/openai/deployments/chat/completions', { messages: [] });
  assert.equal(missing.status, 400);
  assert.match(await missing.text(), /deployment id is missing/);
});

test('sends what the AzureOpenAI client asks for to azure where it is configured', async () => {
  for (const Client of [AzureOpenAI, AzureOpenAI6 as unknown as typeof AzureOpenAI]) {
    const client = new Client({ endpoint: `${gateway.url}/openai`, apiKey: 'k', apiVersion: '2024-10-21' });
    const reply = await client.chat.completions
      .create({ model: 'emb/1', messages: [{ role: 'user', content: 'Hi' }] })
      .catch((error) => error);
    assert.match(String(reply.message), /The provider emb is not configured/);
    const served = await client.chat.completions.create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    assert.equal(served.choices[0]?.message.content, 'Hi');
    azure.always({ json: { object: 'list', data: [] } });
    await client.files.list();
    assert.equal(last(azure).url, '/v1/files');
    azure.always({ json: completion });
  }
});

test('passes a large upload on while it still comes', { timeout: 5_000 }, async (t) => {
  const first = Promise.withResolvers<void>();
  let size = 0;
  const server = createServer((incoming, outgoing) => {
    incoming.on('data', (bytes: Buffer) => {
      size += bytes.length;
      first.resolve();
    });
    incoming.on('end', () => outgoing.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"file-1"}'));
  });
  t.after(() => server.close().closeAllConnections());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await using local = await startGateway({
    plugins: { 'routes/openai': {}, 'providers/openai': upstream.provider({ baseUrl: `http://127.0.0.1:${port}` }) },
  });
  const half = Buffer.alloc(1_000_000, 'x');
  const headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': half.length * 2 };
  const outgoing = request({ port: local.port, path: '/openai/v1/files', method: 'POST', headers });
  const replied = new Promise<number>((resolve) =>
    outgoing.on('response', (reply) => resolve(reply.resume().statusCode ?? 0)),
  );
  outgoing.write(half);
  await first.promise;
  outgoing.end(half);
  assert.equal(await replied, 200);
  assert.equal(size, half.length * 2);
});

/** `fetch` would tidy the path up. */
function rawGet(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ port, path, method: 'GET' }, (incoming) => {
      let body = '';
      incoming.on('data', (chunk) => {
        body += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
}

import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { startGateway } from '../../plugin-sdk/testing/index.ts';

// Without it the heap says more of when V8 last collected than of what is kept.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Malformed requests of every kind; `GARBAGE` sets how many. */
const count = Number(process.env['GARBAGE'] ?? 10_000);
const paths = [
  '/openai/v1/chat/completions',
  '/openai/v1/responses',
  '/openai/v1/embeddings',
  '/openai/v1/images/generations',
  '/openai/chat/completions',
];

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | Buffer;
}

const json = { 'content-type': 'application/json' };
const brokenJson = fc
  .tuple(fc.json(), fc.nat(), fc.constantFrom('}', ']', '"', ',', '\\', '\u0000', '{"a":', 'nul'))
  .map(([text, at, junk]) => text.slice(0, at % (text.length + 1)) + junk)
  .filter((text) => !isObject(text));
const wrongTypes = fc
  .tuple(
    fc.constantFrom('model', 'stream'),
    fc.oneof(
      fc.integer(),
      fc.array(fc.string(), { maxLength: 3 }),
      fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }),
    ),
  )
  .map(([field, value]) => JSON.stringify({ model: 'mock/echo', messages: [], [field]: value }));
const deep = fc
  .integer({ min: 600, max: 5_000 })
  .map((depth) => `{"model":"mock/echo","x":${'['.repeat(depth)}${']'.repeat(depth)}}`);
const notAnObject = fc
  .oneof(fc.string(), fc.integer(), fc.array(fc.integer()), fc.constant(null))
  .map((value) => JSON.stringify(value));

const call: fc.Arbitrary<Call> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...paths), fc.oneof(brokenJson, wrongTypes, deep, notAnObject))
    .map(([path, body]) => ({ method: 'POST', path, headers: json, body })),
  // Methods and paths that no endpoint has, and tricks with paths.
  fc
    .tuple(
      fc.constantFrom('GET', 'PUT', 'DELETE', 'PATCH'),
      fc.constantFrom('/openai/v1/chat/completions', '/openai/v1/embeddings'),
    )
    .map(([method, path]) => ({ method, path, headers: {}, body: '' })),
  fc
    .constantFrom(
      '/openai/../etc/passwd',
      '/openai/v1/%2e%2e/%2e%2e/x',
      '/openai//v1//chat',
      '/openai/v1/chat/completions/../..',
      '/openai/%00',
      '/openai/v1/nope',
      '/nope',
      '/%',
      '/openai/v1/chat/completions%0d%0aX:%20y',
      '/openai/v1/..%2f..%2fadmin',
    )
    .map((path) => ({ method: 'POST', path, headers: json, body: '{}' })),
  // Bodies that are not what their headers say.
  fc
    .tuple(fc.constantFrom('gzip', 'br', 'zstd', 'deflate', 'compress', 'x'), fc.uint8Array({ maxLength: 200 }))
    .map(([encoding, bytes]) => ({
      method: 'POST',
      path: paths[0]!,
      headers: { ...json, 'content-encoding': encoding },
      body: Buffer.from(bytes),
    })),
  fc.string({ maxLength: 200 }).map((text) => ({
    method: 'POST',
    path: '/openai/v1/audio/transcriptions',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    body: `--x\r\n${text}`,
  })),
  fc.string({ maxLength: 100 }).map((text) => ({
    method: 'POST',
    path: '/openai/v1/files',
    headers: { 'content-type': 'multipart/form-data' },
    body: text,
  })),
  fc
    .integer({ min: 70_000, max: 90_000 })
    .map((size) => ({ method: 'POST', path: paths[0]!, headers: { ...json, 'x-huge': String(size) }, body: '{}' })),
);

function isObject(text: string): boolean {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function send(
  port: number,
  agent: Agent,
  { method, path, headers: given, body }: Call,
): Promise<{ status: number; text: string }> {
  // Made only now, so that the samples do not weigh in the memory that is measured.
  const headers = 'x-huge' in given ? { ...given, 'x-huge': 'a'.repeat(Number(given['x-huge'])) } : given;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        host: '127.0.0.1',
        method,
        path,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        agent,
        insecureHTTPParser: true,
      },
      (reply) => {
        let text = '';
        reply.on('data', (chunk) => (text += chunk));
        reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }));
        reply.on('error', reject);
      },
    );
    outgoing.setTimeout(10_000, () => outgoing.destroy(new Error('hung')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // An oversized head may be refused while it is still being sent.
      if ((error.code === 'ECONNRESET' || error.code === 'EPIPE') && 'x-huge' in headers)
        resolve({ status: 431, text: '{"error":{"message":"","type":"","param":null,"code":null}}' });
      else reject(error);
    });
    outgoing.end(body);
  });
}

test(`${count} malformed requests get a 4xx in OpenAI's shape, and the gateway stays as it was`, async () => {
  await using gateway = await startGateway({ plugins: { 'routes/openai': {}, 'providers/mock': {} } });
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const calls = fc.sample(call, { numRuns: count, seed: 7 });
  const statuses = new Map<number, number>();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let one = calls[next++]; one !== undefined; one = calls[next++]) {
      const { status, text } = await send(gateway.port, agent, one);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const shown = `${one.method} ${one.path} ${String(one.body).slice(0, 120)} → ${status} ${text.slice(0, 200)}`;
      assert.ok(status >= 400 && status < 500, shown);
      const { error } = JSON.parse(text) as { error: Record<string, unknown> };
      assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type'], shown);
      assert.equal(typeof error['message'], 'string', shown);
      assert.doesNotMatch(text, /\n\s+at |node_modules|Cannot read propert/, shown);
    }
  };
  // The first thousand warm caches up; memory is compared after them.
  const half = calls.splice(1_000);
  await Promise.all(Array.from({ length: 8 }, worker));
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  calls.push(...half);
  next = 1_000;
  await Promise.all(Array.from({ length: 8 }, worker));
  collectGarbage();
  const grown = (process.memoryUsage().heapUsed - before) / 1_048_576;
  agent.destroy();
  console.log(
    `statuses: ${[...statuses].map(([status, n]) => `${status}×${n}`).join(' ')}; heap ${grown.toFixed(1)} MB more`,
  );
  assert.equal(gateway.gateway.current.open, 0);
  assert.ok(grown < 40, `heap grew by ${grown} MB`);
  const fine = await fetch(`${gateway.url}${paths[0]}`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'x' }] }),
  });
  assert.equal(fine.status, 200);
});

test('bytes that are no HTTP get a 400 in the same shape', async () => {
  await using gateway = await startGateway({ plugins: { 'routes/openai': {}, 'providers/mock': {} } });
  for (const bytes of [
    '\x16\x03\x01\x02\x00\x01\x00',
    'GET\r\n\r\n',
    'POST /x HTTP/9.9\r\n\r\n',
    'POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n',
    'POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ]) {
    const answer = await raw(gateway.port, bytes);
    assert.match(answer, /^HTTP\/1\.1 400 /, bytes);
    assert.ok(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).error.message);
  }
});

test('a body that comes too slowly is refused with 408', async () => {
  await using gateway = await startGateway({
    plugins: { 'routes/openai': {}, 'providers/mock': {} },
    server: { limits: { bodyTimeoutMs: 200 } },
  });
  const answer = await raw(
    gateway.port,
    `POST ${paths[0]} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"model":`,
  );
  assert.match(answer, /^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
});

test('a body above the limit is refused with 413, declared or not', async () => {
  await using gateway = await startGateway({
    plugins: { 'routes/openai': {}, 'providers/mock': {} },
    server: { limits: { bodyBytes: 1_000 } },
  });
  const body = JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'x'.repeat(2_000) }] });
  const declared = await raw(
    gateway.port,
    `POST ${paths[0]} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  assert.match(declared, /^HTTP\/1\.1 413 [\s\S]*"code":"request_too_large"/);
  const chunked = await raw(
    gateway.port,
    `POST ${paths[0]} HTTP/1.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  );
  assert.match(chunked, /^HTTP\/1\.1 413 /);
});

function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      const head = text.indexOf('\r\n\r\n');
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (head >= 0 && length !== undefined && text.length >= head + 4 + Number(length)) {
        socket.destroy();
        resolve(text);
      }
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
    socket.setTimeout(5_000, () => reject(new Error(`hung: ${text}`)));
  });
}

import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { startGateway, startUpstream } from '../../plugin-sdk/testing/index.ts';
import { endpoints } from '../../routes/openai/operations.ts';

const requests = 10_000;
const atOnce = 20;
const allowedGrowthBytes = 8 * 1024 * 1024;

interface Garbage {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const members = [
  'messages',
  'input',
  'prompt',
  'tools',
  'tool_choice',
  'stream',
  'n',
  'stop',
  'max_tokens',
  'response_format',
  'dimensions',
  'reasoning',
];
const inner = ['type', 'name', 'function', 'parameters', 'role', 'content', 'text', 'id', 'tool_calls', 'schema'];
const words = fc.constantFrom('user', 'assistant', 'tool', 'json_schema', 'required', 'text', 'input_text', 'function');
const loose = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    words,
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom(...inner), tie('value'), { maxKeys: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
})).value;
const model = fc.constantFrom('mock/echo', 'mock/any', 'groq/x', 'nobody/x', '', 5, null, {}, []);
const object = fc
  .tuple(model, fc.dictionary(fc.constantFrom(...members), loose, { maxKeys: 5 }))
  .map(([name, rest]) => JSON.stringify({ model: name, ...(rest as object) }));
const body = fc.oneof(
  { weight: 6, arbitrary: object },
  { weight: 2, arbitrary: object.map((text) => text.slice(0, -3)) },
  fc.string(),
  fc.constant(`{"model":"mock/echo","messages":${'['.repeat(2_000)}${']'.repeat(2_000)}}`),
  fc.constant('--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nmock/x\r\n--b--\r\n'),
  fc.constant('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'),
);
const paths = endpoints.map(([path]) => path.replace(/\{\w+\}/g, 'x1'));
const path = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      '/chat/completions',
      '/responses',
      '/completions',
      '/embeddings',
      '/images/generations',
      '/audio/transcriptions',
      '/moderations',
      '/batches',
      '/files',
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom(...paths) },
  fc.string({ maxLength: 20 }).map((text) => `/${encodeURI(text.toWellFormed())}`),
  fc.constantFrom(
    '/../admin',
    '/files/..%2f..',
    '//chat/completions',
    '/deployments//chat/completions',
    '/deployments/a%2/chat/completions',
    '/files/%00',
  ),
);
const type = fc.constantFrom(
  'application/json',
  'application/json',
  'multipart/form-data; boundary=b',
  'multipart/form-data',
  'text/plain',
  'nonsense',
);
const extra = fc.oneof(
  { weight: 20, arbitrary: fc.constant({}) },
  fc.constantFrom<Record<string, string>[]>(
    { 'x-big': 'x'.repeat(70_000) },
    { 'content-encoding': 'gzip' },
    { 'content-encoding': 'nonsense' },
    { authorization: 'Basic !' },
  ),
);
const garbage: fc.Arbitrary<Garbage> = fc
  .record({
    method: fc.oneof(
      { weight: 8, arbitrary: fc.constant('POST') },
      fc.constantFrom('GET', 'PUT', 'DELETE', 'PATCH', 'HEAD'),
    ),
    path,
    type,
    extra,
    body,
  })
  .map(({ method, path: place, type: contentType, extra: more, body: text }) => ({
    method,
    path: `/openai/v1${place}`,
    headers: {
      'content-type': contentType,
      'content-length': String(Buffer.byteLength(text)),
      // The refusal of a head that is too large has a body: nobody has read by then that it must not.
      ...(method === 'HEAD' ? {} : more),
    },
    body: text,
  }));

test('answers ten thousand malformed requests with nothing worse than a 4xx in the shape of OpenAI', {
  timeout: 120_000,
}, async (t) => {
  await using upstream = await startUpstream();
  upstream.always({ json: { id: 'x', object: 'chat.completion', choices: [], output: [] } });
  await using gateway = await startGateway({
    plugins: {
      'routes/openai': {},
      'providers/mock': {},
      'providers/openai': upstream.provider(),
      'providers/groq': upstream.provider(),
    },
  });
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const statuses = new Map<number, number>();
  const run = async (list: readonly Garbage[]): Promise<void> => {
    for (let i = 0; i < list.length; i += atOnce) {
      await Promise.all(
        list.slice(i, i + atOnce).map(async (one) => {
          const { status, text } = await call(gateway.port, agent, one);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          assert.ok(
            status >= 200 && status < 500,
            `${status} for ${JSON.stringify(one).slice(0, 500)}: ${text.slice(0, 300)}`,
          );
          if (status >= 400 && one.method !== 'HEAD') assertShape(text);
        }),
      );
    }
  };
  const sample = fc.sample(garbage, { numRuns: requests, seed: 20_261_121 });
  await run(sample.slice(0, 2_000));
  (upstream.requests as unknown[]).length = 0;
  const before = heapBytes();
  await run(sample.slice(2_000));
  // What the test kit itself remembers is not the gateway's.
  (upstream.requests as unknown[]).length = 0;
  const growth = heapBytes() - before;
  agent.destroy();
  assert.ok(growth < allowedGrowthBytes, `the heap grew by ${growth} bytes`);
  assert.equal(gateway.gateway.current.open, 0);
  assert.deepEqual(
    gateway.logs.filter(({ level }) => level === 'error'),
    [],
  );
  t.diagnostic(
    `${requests} requests: ${[...statuses]
      .sort()
      .map(([status, count]) => `${status} × ${count}`)
      .join(', ')}; heap ${Math.round(growth / 1024)} KiB more`,
  );
});

function assertShape(text: string): void {
  const { error } = JSON.parse(text) as { error: Record<string, unknown> };
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.equal(typeof error['message'], 'string');
}

function call(
  port: number,
  agent: Agent,
  { method, path: place, headers, body: text }: Garbage,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, agent, method, path: place, headers }, (incoming) => {
      let received = '';
      incoming.on('data', (chunk) => {
        received += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: received }));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

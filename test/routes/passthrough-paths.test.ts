import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { checkEndpoint } from '../../kernel/execute/check-endpoint.ts';
import { checkPath } from '../../routes/passthrough/check-path.ts';
import { readPath } from '../../routes/passthrough/read-path.ts';
import { type PassthroughGateway, passthroughGateway, rawCall } from './passthrough-gateway.ts';

let gateway: PassthroughGateway;

before(async () => {
  gateway = await passthroughGateway();
  for (const upstream of Object.values(gateway.upstreams)) upstream.always({ json: {} });
});

after(() => gateway?.close());

const refused = [
  '//evil.example/v1',
  '/..//evil.example',
  '/v1/../admin',
  '/v1/./x',
  '/v1/..',
  '/v1/%2e%2e/admin',
  '/v1/%2E%2e%2Fadmin',
  '/v1/..%2fadmin',
  '/v1/%252e%252e%252fadmin',
  '/v1/%25252e%25252e/admin',
  '/v1/..;/admin',
  '/v1/..%3Bx/admin',
  '/v1//x',
  '/v1/%2f/x',
  '/v1/a%2F%2Fevil.example',
  '/http://evil.example/',
  '/https:%2F%2Fevil.example/',
  '/v1/http%3A%2F%2Fevil.example',
  '/v1\\evil.example',
  '/%5cevil.example',
  '/\\evil.example/x',
  '/v1/%0d%0ahost:%20evil.example',
  '/v1/x%00',
  '/v1/x%0a',
  '/v1/%zz',
  '/v1/x#fragment',
  '/v1/x%23fragment',
  '/user@evil.example/x',
  '/:pass@evil.example/x',
];

test('refuses every path that could lead elsewhere, before anything is sent', async () => {
  for (const prefix of ['/openai_passthrough', '/anthropic_passthrough', '/azure_passthrough', '/genai_passthrough']) {
    for (const path of refused) {
      const reply = await rawSocket(`GET ${prefix}${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      assert.match(reply, /^HTTP\/1\.1 4\d\d /, `${prefix}${path}`);
    }
  }
  const seen = Object.values(gateway.upstreams).reduce((sum, { requests }) => sum + requests.length, 0);
  assert.equal(seen, 0);
});

test('refuses a request whose target is a whole URL, and bytes that end a line', async () => {
  const port = gateway.upstreams.openai.port;
  for (const head of [
    `GET http://127.0.0.1:${port}/openai_passthrough/v1/x HTTP/1.1\r\nhost: x`,
    'GET /openai_passthrough/v1/x y HTTP/1.1\r\nhost: x',
    'GET /openai_passthrough/v1/\rx HTTP/1.1\r\nhost: x',
    'GET /openai_passthrough/v1/x\ty HTTP/1.1\r\nhost: x',
  ]) {
    assert.match(await rawSocket(`${head}\r\nconnection: close\r\n\r\n`), /^HTTP\/1\.1 4\d\d /, JSON.stringify(head));
  }
});

test('lets paths pass as they are written when they only look unusual', async () => {
  const paths = [
    '/v1/models/ft:gpt-4o:org::id',
    '/v1/models/claude@2025-01-01',
    '/v1/files/a%20b%2Bc',
    '/v1/x/emb%2F1/y',
    '/v1/...x/.hidden',
    '/v1/100%25',
    '/v1/%C3%A9',
    "/v1/(a)*b'!$&+,;=~",
    '/v1/x/',
    '/v10/x',
    '/completely/unknown?x=//..%2f%0a',
  ];
  for (const path of paths) {
    const reply = await rawCall(gateway, `/anthropic_passthrough${path}`);
    assert.equal(reply.status, 200, path);
    assert.equal(gateway.upstreams.anthropic.requests.at(-1)?.url, path);
  }
});

test('cuts prefix and version only where a segment ends', async () => {
  const seen = async (path: string): Promise<string | undefined> => {
    const { status } = await rawCall(gateway, path);
    return status === 200 ? gateway.upstreams.openai.requests.at(-1)?.url : String(status);
  };
  assert.equal(await seen('/openai_passthrough/v1/models'), '/v1/models');
  assert.equal(await seen('/openai_passthrough/models'), '/v1/models');
  assert.equal(await seen('/openai_passthrough/v10/models'), '/v1/v10/models');
  assert.equal(await seen('/openai_passthrough/v1'), '400');
  assert.equal(await seen('/openai_passthroughs/v1/models'), '404');
  assert.equal(await seen('/openai_passthrough%2fv1/models'), '404');
  assert.equal(await seen('/OPENAI_PASSTHROUGH/v1/models'), '404');
});

test('never accepts a path from which a URL parser reads another host or a step upwards', () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2f',
    '%5c',
    '\\',
    '@',
    ':',
    'a',
    'v1',
    '%25',
    '2e',
    '2f',
    ';',
    '?',
    '//',
    'evil.example',
    '%00',
    '#',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const path = `/${pieces.join('')}`.split('?')[0]!;
      try {
        checkPath(path);
      } catch {
        return;
      }
      const url = new URL(path, 'https://provider.example');
      assert.equal(url.host, 'provider.example');
      assert.equal(url.pathname, path);
      let decoded = path;
      for (let i = 0; i < 4; i++) {
        try {
          decoded = decodeURIComponent(decoded);
        } catch {
          break;
        }
      }
      assert.ok(!decoded.split(/[/\\]/).includes('..'));
    }),
    { numRuns: 2_000 },
  );
});

test('asserts again that what a provider made of a path stays at its host', () => {
  const origin = 'https://provider.example:8443';
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom('', '/', '//', '/\\', '@', '/v1/'),
      (text, start) => {
        const path = start + text;
        try {
          checkEndpoint({ origin, path, headers: [] });
        } catch {
          return;
        }
        assert.equal(new URL(path, origin).origin, origin);
        assert.doesNotMatch(path, /[\r\n\0 ]/);
      },
    ),
    { numRuns: 3_000 },
  );
});

test('reads model and format from the paths of every provider', () => {
  const rows: [path: string, dialect: string | undefined, model: string | undefined][] = [
    ['/chat/completions', 'openai.chat', undefined],
    ['/v1/responses', 'openai.responses', undefined],
    ['/responses/resp_1', undefined, undefined],
    ['/v1/messages', 'anthropic.messages', undefined],
    ['/v1/messages/count_tokens', undefined, undefined],
    ['/v1beta/models/gemini-2.5-flash:generateContent', 'gemini.generateContent', 'gemini-2.5-flash'],
    ['/v1beta/tunedModels/t:streamGenerateContent', 'gemini.generateContent', 't'],
    [
      '/v1/projects/p/locations/l/publishers/anthropic/models/claude@20250101:streamRawPredict',
      'anthropic.messages',
      'claude@20250101',
    ],
    ['/v1beta/openai/chat/completions', 'openai.chat', undefined],
    ['/openai/deployments/gpt-4o/chat/completions', 'openai.chat', 'gpt-4o'],
    ['/openai/deployments/emb%2F1/embeddings', undefined, 'emb/1'],
    ['/openai/deployments/emb/1/embeddings', undefined, 'emb/1'],
    ['/v1/models/ft:gpt-4o:org::id', undefined, 'ft:gpt-4o:org::id'],
  ];
  for (const [path, dialect, model] of rows) {
    const found = readPath(path, path.includes('gemini') || path.includes('tuned') || path.includes('publishers'));
    assert.deepEqual([found.dialect?.id, found.model], [dialect, model], path);
  }
});

/** Bytes to the gateway and what comes back, without a client that would put them right. */
function rawSocket(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(gateway.port, '127.0.0.1');
    let reply = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      reply += chunk;
    });
    socket.on('close', () => resolve(reply));
    socket.on('error', reject);
    socket.write(text, 'latin1');
  });
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeadReader } from '../../kernel/client/direct/request-head.ts';

const limit = 16_384;
const read = (head: string, reader = new HeadReader()) => reader.read(Buffer.from(head, 'latin1'), limit);
const plain = (lines: string, start = 'POST /v1/chat/completions?a=b HTTP/1.1'): string =>
  `${start}\r\n${lines}content-length: 5\r\n\r\nhello`;

test('a plain head is read as it stands', () => {
  const head = read(plain('Host:x\r\nX-One: \t a b \t\r\nx-one:\r\nconnection: Keep-Alive\r\n'));
  assert.equal(head?.url, '/v1/chat/completions?a=b');
  assert.deepEqual(head.headers, [
    ...['Host', 'x', 'X-One', 'a b', 'x-one', ''],
    ...['connection', 'Keep-Alive', 'content-length', '5'],
  ]);
  assert.equal(head.length, 5);
  assert.equal(head.size, plain('Host:x\r\nX-One: \t a b \t\r\nx-one:\r\nconnection: Keep-Alive\r\n').length - 5);
});

const start = 'POST / HTTP/1.1';
for (const [what, head] of [
  ['another method', plain('', 'GET / HTTP/1.1')],
  ['a method in small letters', plain('', 'post / HTTP/1.1')],
  ['another version', plain('', 'POST / HTTP/1.0')],
  ['a whole address', plain('', 'POST http://x/ HTTP/1.1')],
  ['a space in the path', plain('', 'POST /a b HTTP/1.1')],
  ['a letter beyond ASCII in the path', plain('', 'POST /\xe9 HTTP/1.1')],
  ['two spaces', plain('', 'POST  / HTTP/1.1')],
  ['an empty line in front', `\r\n${plain('')}`],
  ['a space before a colon', plain('x-a : b\r\n')],
  ['a space before a name', plain(' x-a: b\r\n')],
  ['a folded line', plain('x-a: b\r\n c\r\n')],
  ['a line without a colon', plain('x-a\r\n')],
  ['a line without a name', plain(': x\r\n')],
  ['a bare line feed', plain('x-a: b\nx-c: d\r\n')],
  ['a bare carriage return', plain('x-a: b\rx-c: d\r\n')],
  ['a NUL', plain('x-a: b\0c\r\n')],
  ['a control character', plain('x-a: b\x7fc\r\n')],
  ['chunks', plain('transfer-encoding: chunked\r\n')],
  ['chunks in other letters', plain('Transfer-Encoding: chunked\r\n')],
  ['an upgrade', plain('upgrade: websocket\r\n')],
  ['an expectation', plain('expect: 100-continue\r\n')],
  ['announced trailers', plain('trailer: x\r\n')],
  ['a connection that ends', plain('connection: close\r\n')],
  ['a connection with more to say', plain('connection: keep-alive, x-a\r\n')],
  ["a proxy's connection", plain('proxy-connection: keep-alive\r\n')],
  ['two hosts', plain('host: a\r\nHost: a\r\n')],
  ['two lengths', plain('Content-Length: 5\r\n')],
  ['no length', `${start}\r\nhost: x\r\n\r\n`],
  ['a signed length', `${start}\r\ncontent-length: +5\r\n\r\n`],
  ['a list of lengths', `${start}\r\ncontent-length: 5, 5\r\n\r\n`],
  ['an empty length', `${start}\r\ncontent-length: \r\n\r\n`],
  ['a length beyond all numbers', `${start}\r\ncontent-length: 9999999999999999\r\n\r\n`],
  ['no headers', `${start}\r\n\r\n`],
  ['part of a head', `${start}\r\ncontent-length: 5\r\n`],
  ['too many headers', plain('x-a: b\r\n'.repeat(200))],
  ['more bytes than are allowed', plain(`x-a: ${'b'.repeat(limit)}\r\n`)],
] as const) {
  test(`a head with ${what} is left to node`, () => {
    assert.equal(read(head), undefined);
    const reader = new HeadReader();
    assert.ok(read(plain('host: x\r\n'), reader));
    assert.equal(read(head, reader), undefined, 'behind a plain one, too');
  });
}

test('heads that repeat are read as if each were the first', () => {
  const reader = new HeadReader();
  const lines = ['host: x\r\nx-a: 1\r\n', 'host: x\r\nx-a: 2\r\n', 'host: x\r\nx-a: 1\r\nx-b: \r\n', ''];
  const lengths = [
    '5',
    '6',
    '17',
    '005',
    '0',
    '123456',
    '5x',
    '-5',
    '',
    '5\r\ncontent-length: 5',
    '5\r\ntransfer-encoding: chunked',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...lines),
      fc.constantFrom(...lengths),
      fc.constantFrom('', 'x-z: 9\r\n'),
      (before, length, after) => {
        const head = `POST /p HTTP/1.1\r\n${before}Content-Length: ${length}\r\n${after}\r\nbody\r\n\r\n`;
        assert.deepEqual(read(head, reader), read(head));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('whatever is read here, node reads in the same way', async (t) => {
  const server = createServer({ requireHostHeader: false }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  /** What node makes of a head: its request, or undefined when it refuses. */
  const byNode = (bytes: Buffer): Promise<IncomingMessage | undefined> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      const onRequest = (incoming: IncomingMessage): void => {
        resolve(incoming);
        socket.destroy();
      };
      server.once('request', onRequest);
      socket
        .on('error', () => {})
        .on('close', () => resolve(void server.off('request', onRequest)))
        .resume()
        .write(bytes);
    });
  server.on('clientError', (_error, socket) => socket.destroy());
  const byte = fc.constantFrom(...[...'\0\t\n\r !"#:,;/\\aZ0~\x7f\x80\xff'], '\r\n', '\r\n\r\n', ': ', 'chunked');
  const lines = fc.array(
    fc.constantFrom(
      ...['host: x', 'Host:y', 'content-length: 3', 'Content-Length:3', 'content-length: 12', 'connection: keep-alive'],
      ...[
        'x-a: b',
        "X-!#$%&'*+-.^_`|~: \xe9",
        'te: trailers',
        'keep-alive: 5',
        'accept: */*',
        'transfer-encoding: chunked',
      ],
    ),
    { maxLength: 5 },
  );
  const change = fc.option(fc.tuple(fc.nat(), fc.nat(2), byte), { freq: 1 });
  t.after(() => server.close());
  let served = 0;
  await fc.assert(
    fc.asyncProperty(lines, change, async (some, changed) => {
      let text = `POST /p?q HTTP/1.1\r\n${some.join('\r\n')}${some.length > 0 ? '\r\n' : ''}content-length: 3\r\n\r\nabc`;
      if (changed !== null) {
        const at = changed[0] % text.length;
        text = text.slice(0, at) + changed[2] + text.slice(at + changed[1]);
      }
      const bytes = Buffer.from(text, 'latin1');
      const head = new HeadReader().read(bytes, limit);
      if (head === undefined) return;
      served += 1;
      const incoming = await byNode(bytes);
      assert.ok(incoming !== undefined, `node refuses ${JSON.stringify(text)}`);
      assert.deepEqual([head.url, head.headers], [incoming.url, incoming.rawHeaders]);
      assert.equal(String(head.length), incoming.headers['content-length']?.replace(/^0+(?=\d)/, ''));
    }),
    { numRuns: 3_000 },
  );
  assert.ok(served > 300, `${served} heads were read here`);
});

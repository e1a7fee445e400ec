import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { MalformedReply } from '../../kernel/upstream/malformed-reply.ts';
import { ReplyReader } from '../../kernel/upstream/reply-reader.ts';
import type { FlatHeaders } from '../../plugin-sdk/index.ts';

interface Read {
  status: number;
  headers: FlatHeaders;
  body: string;
  trailers: FlatHeaders | undefined;
  /** Bytes came behind the end. */
  surplus: boolean;
}

/** Reads a reply that comes in these pieces, all through one buffer that is overwritten after each. */
function read(pieces: readonly Buffer[], method = 'POST', isClosed = false): Read {
  const seen: Read = { status: 0, headers: [], body: '', trailers: undefined, surplus: false };
  const bodies: Buffer[] = [];
  const reader = new ReplyReader(method, {
    onHead: ({ status, headers }) => Object.assign(seen, { status, headers }),
    onData: (bytes) => bodies.push(bytes),
    onEnd: (trailers) => {
      assert.equal(seen.trailers, undefined, 'one end');
      seen.trailers = trailers;
    },
  });
  const shared = Buffer.alloc(Math.max(...pieces.map((piece) => piece.length), 0));
  for (const piece of pieces) {
    piece.copy(shared);
    if (reader.read(shared.subarray(0, piece.length))) seen.surplus = true;
    shared.fill(0);
  }
  if (isClosed) reader.closed();
  seen.body = Buffer.concat(bodies).toString('latin1');
  return seen;
}

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const content = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
});
const value = fc
  .string({ unit: fc.constantFrom(...'abcXYZ019 ,;=":/\t\xe9'), maxLength: 20 })
  .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''));
const headers = fc.array(fc.tuple(fc.stringMatching(/^x-[a-z0-9!#$%&'*+.^_`|~-]{1,12}$/), value), { maxLength: 6 });
const interim = fc.array(fc.constantFrom('100 Continue', '102 Processing', '103 Early Hints\r\nlink: </a>'), {
  maxLength: 2,
});
const lines = (list: readonly (readonly [string, string])[]): string =>
  list.map(([name, text]) => `${name}:${text === '' ? '' : ` ${text}`}\r\n`).join('');

test('a reply reads the same at any split, whatever tells its end', () => {
  const framed = fc.oneof(
    content.map((body) => ({
      framing: `content-length: ${body.length}\r\n`,
      wire: body,
      body,
      more: [] as [string, string][],
    })),
    fc
      .tuple(
        fc.array(
          content.filter((text) => text !== ''),
          { maxLength: 5 },
        ),
        fc.boolean(),
        headers,
      )
      .map(([chunks, isUpper, more]) => ({
        framing: 'transfer-encoding: Chunked\r\n',
        wire: `${chunks.map((chunk) => `${isUpper ? chunk.length.toString(16).toUpperCase() : `00${chunk.length.toString(16)};a="b"`}\r\n${chunk}\r\n`).join('')}0\r\n${lines(more)}\r\n`,
        body: chunks.join(''),
        more,
      })),
    content.map((body) => ({ framing: '', wire: body, body, more: [] as [string, string][] })),
  );
  let checked = 0;
  fc.assert(
    fc.property(
      interim,
      headers,
      framed,
      fc.array(fc.nat(2_000), { maxLength: 12 }),
      (before, named, { framing, wire, body, more }, cuts) => {
        const head = `${before.map((line) => `HTTP/1.1 ${line}\r\n\r\n`).join('')}HTTP/1.1 200 OK\r\n${lines(named)}${framing}\r\n`;
        const seen = read(pieces(latin1(head + wire), cuts), 'POST', framing === '');
        assert.equal(seen.status, 200);
        assert.equal(seen.body, body);
        assert.deepEqual(seen.headers.slice(0, named.length * 2), named.flat());
        assert.deepEqual(seen.trailers, more.flat());
        assert.equal(seen.surplus, false);
        checked += 1;
      },
    ),
    { numRuns: 2_000 },
  );
  assert.equal(checked, 2_000);
});

const refused: Record<string, string> = {
  'another protocol': 'SSH-2.0-OpenSSH_9.6\r\n',
  'a protocol that begins alike': 'HTTP/2 200\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
  'a status of no class': 'HTTP/1.1 020 OK\r\n\r\n',
  'a change of protocol': 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n',
  'a folded header': 'HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n',
  'space before a colon': 'HTTP/1.1 200 OK\r\ncontent-length : 3\r\n\r\nabc',
  'a line without a colon': 'HTTP/1.1 200 OK\r\nabc\r\n\r\n',
  'a header without a name': 'HTTP/1.1 200 OK\r\n: b\r\n\r\n',
  'a line feed without a carriage return': 'HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n',
  'a carriage return in a value': 'HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n',
  'a zero byte in a value': 'HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n',
  'two lengths that agree': 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\nContent-Length: 3\r\n\r\nabc',
  'a list of lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\nabc',
  'a negative length': 'HTTP/1.1 200 OK\r\ncontent-length: -3\r\n\r\nabc',
  'a length with a sign': 'HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\nabc',
  'a hexadecimal length': 'HTTP/1.1 200 OK\r\ncontent-length: 0x3\r\n\r\nabc',
  'an empty length': 'HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nabc',
  'a length that no number holds': `HTTP/1.1 200 OK\r\ncontent-length: ${'9'.repeat(20)}\r\n\r\nabc`,
  'a length beside chunks':
    'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'a coding that cannot be read': 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'two codings': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'a chunk without a size': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\nabc\r\n',
  'a size that is no number': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n',
  'a size that no number holds': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nabc\r\n',
  'a chunk that is longer than its size': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n',
  'a size line that ends in a line feed': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n',
  'an extension with a line feed': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a\nabc\r\n0\r\n\r\n',
  'an extension without end': `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;${'a'.repeat(20_000)}`,
  'trailers that are no headers': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nabc\r\n\r\n',
  'trailers without end': `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n${'a: b\r\n'.repeat(20_000)}`,
  'a head without end': `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}`,
};

for (const [what, bytes] of Object.entries(refused)) {
  test(`${what} is refused, in one piece and byte by byte`, () => {
    assert.throws(() => read([latin1(bytes)]), MalformedReply);
    const single = Array.from({ length: bytes.length }, (_, i) => latin1(bytes[i]!));
    assert.throws(() => read(single), MalformedReply);
  });
}

for (const [status, method] of [
  [204, 'POST'],
  [304, 'GET'],
  [200, 'HEAD'],
] as const) {
  test(`a reply with ${status} to ${method} ends with its head, whatever length it names`, () => {
    const seen = read([latin1(`HTTP/1.1 ${status} X\r\ncontent-length: 5\r\n\r\n`)], method);
    assert.deepEqual(seen.trailers, []);
    assert.equal(seen.surplus, false);
  });
}

test('a head that came in part goes on in a read as large as a head may be', () => {
  const [start, rest] = ['HTTP/1.1 200 OK\r\n', 'content-length: 100000\r\n\r\n'];
  const body = 'x'.repeat(100_000);
  const seen = read([latin1(start), latin1((rest + body).slice(0, 65_536)), latin1((rest + body).slice(65_536))]);
  assert.equal(seen.body, body);
  assert.deepEqual(seen.trailers, []);
});

test('bytes behind the end of a reply are known for what they are', () => {
  for (const bytes of [
    'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcd',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\nabc',
  ]) {
    assert.equal(read([latin1(bytes)]).surplus, true, bytes);
  }
});

test('whatever is taken for a whole reply, node reads with the same content', { timeout: 60_000 }, async () => {
  const alphabet = [
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.0 404 No\r\n',
    'content-length: 2\r\n',
    'transfer-encoding: chunked\r\n',
    'a: b\r\n',
    '\r\n',
    '\n',
    '\r',
    ' ',
    '2\r\n',
    'ab',
    '0\r\n\r\n',
    '3;x\r\n',
    ':',
    '\0',
    'é',
  ];
  const soup = fc.array(fc.constantFrom(...alphabet), { maxLength: 12 }).map((parts) => parts.join(''));
  let whole = 0;
  await fc.assert(
    fc.asyncProperty(soup, async (text) => {
      const bytes = latin1(`HTTP/1.1 200 OK\r\n${text}`);
      const theirs = await byNode(bytes);
      let ours: string | undefined;
      try {
        const seen = read([bytes], 'POST', true);
        // What came behind the end costs the connection; node drops the reply with it.
        ours = seen.trailers === undefined || seen.surplus ? undefined : seen.body;
      } catch (error) {
        assert.ok(error instanceof MalformedReply, String(error));
      }
      if (ours === undefined) return;
      assert.equal(theirs, ours, JSON.stringify(bytes.toString('latin1')));
      whole += 1;
    }),
    { numRuns: 1_500 },
  );
  assert.ok(whole > 50, `${whole} whole replies`);
});

/** The content of a reply as node's own client reads it; undefined when it refuses it or misses its end. */
async function byNode(bytes: Buffer): Promise<string | undefined> {
  const upstream = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  try {
    return await new Promise((resolve) => {
      const asking = request({ createConnection: () => connect(port, '127.0.0.1'), method: 'POST' });
      asking.on('error', () => resolve(undefined));
      asking.on('upgrade', () => resolve(undefined));
      asking.on('response', (incoming) => {
        let body = '';
        incoming.setEncoding('latin1');
        incoming.on('data', (text) => {
          body += text;
        });
        incoming.on('error', () => resolve(undefined));
        incoming.on('end', () => resolve(incoming.complete ? body : undefined));
        incoming.on('close', () => resolve(undefined));
      });
      asking.end();
    });
  } finally {
    upstream.close();
  }
}

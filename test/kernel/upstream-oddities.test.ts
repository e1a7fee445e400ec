import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type RunningGateway, startGateway } from '../../plugin-sdk/testing/index.ts';
import { completion, streamed } from './chat-gateway.ts';
import { jsonAnswer, type RawSeen, type RawUpstream, rawUpstream } from './raw-upstream.ts';

const json = 'content-type: application/json\r\n';
const sse = 'content-type: text/event-stream\r\n';
const said = {
  openai: JSON.stringify(completion('hello')),
  anthropic: JSON.stringify({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'c',
    content: [{ type: 'text', text: 'hello' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 3, output_tokens: 2 },
  }),
};
const events = {
  openai: streamed('hello')
    .map((event) => (typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`))
    .join(''),
  anthropic: [
    { type: 'message_start', message: { ...JSON.parse(said.anthropic), content: [] } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hello' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
    { type: 'message_stop' },
  ]
    .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join(''),
};

const head = (headers: string, status = '200 OK', version = '1.1'): string =>
  `HTTP/${version} ${status}\r\n${headers}\r\n`;
const sized = (headers: string, body: Buffer | string, status?: string): Buffer =>
  Buffer.concat([
    Buffer.from(head(`${headers}content-length: ${Buffer.byteLength(body)}\r\n`, status)),
    Buffer.from(body),
  ]);
const chunked = (headers: string, body: string, trailers = ''): string =>
  `${head(`${headers}transfer-encoding: chunked\r\n`)}${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n${trailers}\r\n`;

async function drip(socket: Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function breakOff(socket: Socket, bytes: string | Buffer): void {
  socket.write(bytes);
  setTimeout(() => socket.resetAndDestroy(), 20);
}

type Play = (socket: Socket, body: string) => void;

/** Odd, but an answer. */
const served: Record<string, Play> = {
  'byte by byte': (socket, body) => void drip(socket, sized(json, body)),
  'behind 100, 102 and 103': (socket, body) =>
    socket.write(
      Buffer.concat([
        Buffer.from(head('', '100 Continue') + head('', '102 Processing') + head('link: </a>\r\n', '103 Early Hints')),
        sized(json, body),
      ]),
    ),
  'in chunks with announced trailers': (socket, body) =>
    socket.write(chunked(`${json}trailer: x-sum\r\n`, body, 'x-sum: 1\r\n')),
  'as HTTP/1.0 that ends with its connection': (socket, body) => socket.end(head(json, '200 OK', '1.0') + body),
  'with bytes in its headers that are no ASCII': (socket, body) => socket.write(sized(`${json}x-odd: naïve\r\n`, body)),
  'in gzip that nobody asked for': (socket, body) =>
    socket.write(sized(`${json}content-encoding: gzip\r\n`, gzipSync(body))),
  'behind a byte order mark': (socket, body) => socket.write(sized(json, `\ufeff${body}`)),
};

/** No answer. Each with what the client is told. */
const failed: Record<string, readonly [Play, string]> = {
  'an unasked 101': [
    (socket) => socket.write(head('connection: upgrade\r\nupgrade: x\r\n', '101 Switching')),
    'upstream_reset',
  ],
  'a length that is too short': [
    (socket, body) => socket.write(`${head(`${json}content-length: 20\r\n`)}${body}`),
    'upstream_bad_body',
  ],
  'a length that is too long': [
    (socket, body) => socket.end(`${head(`${json}content-length: 9999\r\n`)}${body}`),
    'upstream_stream_cut',
  ],
  'a reset in its headers': [(socket) => breakOff(socket, 'HTTP/1.1 200 OK\r\ncontent-'), 'upstream_reset'],
  'headers without end': [
    (socket) => socket.write(`HTTP/1.1 200 OK\r\n${`x-bomb: ${'x'.repeat(1_000)}\r\n`.repeat(100)}`),
    'upstream_reset',
  ],
  'a header with a control character': [
    (socket, body) => socket.write(sized(`${json}x-odd: a\x01b\r\n`, body)),
    'upstream_reset',
  ],
  'two lengths': [(socket, body) => socket.write(sized(`${json}content-length: 5\r\n`, body)), 'upstream_reset'],
  'chunks and a length': [
    (socket, body) => socket.write(chunked(`${json}content-length: 5\r\n`, body)),
    'upstream_reset',
  ],
  'a chunk size that is no number': [
    (socket) => socket.write(`${head(`${json}transfer-encoding: chunked\r\n`)}zz\r\n`),
    'upstream_stream_cut',
  ],
  'chunks without an end': [(socket, body) => socket.end(chunked(json, body).slice(0, -5)), 'upstream_stream_cut'],
  'another protocol': [(socket) => socket.write(Buffer.of(0x15, 3, 1, 0, 2, 2, 70)), 'upstream_reset'],
  silence: [() => {}, 'upstream_timeout'],
  'silence behind its head': [(socket) => socket.write(head(`${json}content-length: 50\r\n`)), 'upstream_timeout'],
};

suite('an upstream that answers oddly', () => {
  let play: (seen: RawSeen) => void;
  let upstream: RawUpstream;
  let gateway: RunningGateway;
  before(async () => {
    upstream = await rawUpstream((seen) => play(seen));
    gateway = await startGateway({
      plugins: {
        'routes/openai': {},
        'providers/openai': upstream.provider(),
        'providers/anthropic': upstream.provider(),
        'plugins/timeouts': { firstContentMs: 500 },
      },
    });
  });
  after(async () => {
    await gateway?.close();
    await upstream?.[Symbol.asyncDispose]();
  });

  async function ask(model: string, more: object = {}): Promise<{ status: number; text: string }> {
    const reply = await fetch(`${gateway.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }], ...more }),
      signal: AbortSignal.timeout(3_000),
    });
    const text = await reply.text();
    assert.doesNotMatch(text, /sk-upstream/);
    return { status: reply.status, text };
  }

  const ways = [
    ['openai/gpt-4o', 'openai'],
    ['anthropic/claude-sonnet-4-5', 'anthropic'],
  ] as const;

  for (const [model, dialect] of ways) {
    for (const [how, write] of Object.entries(served)) {
      test(`${how} is understood (${dialect})`, async () => {
        play = ({ socket }) => write(socket, said[dialect]);
        const { status, text } = await ask(model);
        assert.equal(status, 200, text);
        assert.equal(JSON.parse(text).choices[0].message.content, 'hello');
      });
    }
    for (const [how, [write, code]] of Object.entries(failed)) {
      test(`with ${how} is an error in the words of the client (${dialect})`, async () => {
        play = ({ socket }) => write(socket, said[dialect]);
        const { status, text } = await ask(model);
        assert.equal(status, code === 'upstream_timeout' ? 504 : 502, text);
        assert.equal(JSON.parse(text).error.code, code, text);
      });
    }
    for (const [how, headers, prefix] of [
      ['behind a byte order mark', sse, '\ufeff'],
      ['with its type in capitals', 'Content-Type: Text/Event-Stream\r\n', ''],
    ] as const) {
      test(`with a stream ${how} is understood, and known for cut where it is (${dialect})`, async () => {
        play = ({ socket }) => socket.write(chunked(headers, prefix + events[dialect]));
        const whole = await ask(model, { stream: true });
        assert.match(whole.text, /"content":"hello"[\s\S]*\[DONE\]/);
        const half = events[dialect].slice(0, events[dialect].indexOf('hello') + 50);
        const cut = half.slice(0, half.lastIndexOf('\n\n') + 2);
        play = ({ socket }) => breakOff(socket, head(headers) + prefix + cut);
        const broken = await ask(model, { stream: true });
        assert.match(broken.text, /upstream_stream_cut|"code":"upstream/);
        assert.doesNotMatch(broken.text, /\[DONE\]/);
      });
    }
  }

  test('with an error in gzip that nobody asked for is quoted', async () => {
    const problem = '{"type":"error","error":{"type":"invalid_request_error","message":"Said in gzip."}}';
    play = ({ socket }) =>
      socket.write(sized(`${json}content-encoding: gzip\r\n`, gzipSync(problem), '400 Bad Request'));
    const { status, text } = await ask('anthropic/claude-sonnet-4-5');
    assert.equal(status, 400);
    assert.equal(JSON.parse(text).error.message, 'Said in gzip.');
  });

  test('serves the next call as if nothing had been', async () => {
    play = ({ socket }) => socket.write(jsonAnswer(completion('hello')));
    assert.equal((await ask('openai/gpt-4o')).status, 200);
    assert.equal(gateway.gateway.current.open, 0);
  });

  test('leaves no credential in the log', () => {
    const lines = inspect(gateway.logs, { depth: 12, maxStringLength: Number.POSITIVE_INFINITY, showHidden: true });
    assert.doesNotMatch(lines, /sk-upstream/);
  });
});

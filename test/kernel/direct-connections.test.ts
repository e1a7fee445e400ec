import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openaiChat } from '../../plugin-sdk/dialects/openai-chat/index.ts';
import { type PassthroughGateway, passthroughGateway } from '../routes/passthrough-gateway.ts';
import { plugin } from './chat-gateway.ts';

const path = '/openai_passthrough/v1/echo';
const head = (length: number, more = ''): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n${more}content-length: ${length}\r\n\r\n`;
const post = (body: string, more?: string): string => `${head(Buffer.byteLength(body), more)}${body}`;
const chunked = (body: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
/** A request that only node's own server reads, and that is otherwise the same. */
const byNode = 'proxy-connection: keep-alive\r\n';

async function echoing(): Promise<PassthroughGateway> {
  const gateway = await passthroughGateway();
  gateway.upstreams.openai.always(({ body, method }) => ({ body: `<${method} ${body}>` }));
  return gateway;
}

interface Caller extends AsyncDisposable {
  readonly socket: Socket;
  /** All that came. */
  readonly text: () => string;
  /** Waits until something came. */
  until(wanted: string | RegExp): Promise<void>;
}

async function caller({ port }: { readonly port: number }): Promise<Caller> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  let text = '';
  socket.on('error', () => {}).on('data', (chunk) => (text += chunk.toString('latin1')));
  await once(socket, 'connect');
  return {
    socket,
    text: () => text,
    async until(wanted) {
      for (let waited = 0; text.search(wanted) === -1; waited += 2) {
        assert.ok(waited < 5_000, `${wanted} did not come: ${text}`);
        await sleep(2);
      }
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

const answers = (text: string): string[] => text.match(/<[^>]*>/g) ?? [];

test('one connection serves plain requests, then others, then plain ones again', async () => {
  await using gateway = await echoing();
  await using client = await caller(gateway);
  for (const [number, request] of [post('a1'), post('b2'), chunked('c3'), post('d4'), post('e5', byNode)].entries()) {
    client.socket.write(request);
    await client.until(`${number + 1}>`);
  }
  assert.deepEqual(answers(client.text()), ['<POST a1>', '<POST b2>', '<POST c3>', '<POST d4>', '<POST e5>']);
});

for (const [what, first] of [
  ['at once', true],
  ['while the first is answered', false],
] as const) {
  test(`requests that are sent ${what} are answered in their order`, async () => {
    await using gateway = await passthroughGateway();
    gateway.upstreams.openai.always(({ body }) => ({ body: `<${body}>`, delayMs: String(body) === 'a1' ? 50 : 0 }));
    await using client = await caller(gateway);
    const more = `${post('b2')}${chunked('c3')}${post('d4')}`;
    client.socket.write(first ? post('a1') + more : post('a1'));
    if (!first) {
      await sleep(20);
      client.socket.write(more.slice(0, 30));
      await sleep(5);
      client.socket.write(more.slice(30));
    }
    await client.until('<d4>');
    assert.deepEqual(answers(client.text()), ['<a1>', '<b2>', '<c3>', '<d4>']);
  });
}

test('a request that comes in pieces, split anywhere, gets its answer', async () => {
  await using gateway = await echoing();
  const request = post('in pieces');
  await Promise.all(
    Array.from({ length: request.length - 1 }, async (_, at) => {
      await using client = await caller(gateway);
      // The second one finds the head of the first one known.
      for (const round of [1, 2]) {
        client.socket.write(request.slice(0, at + 1));
        await sleep(10);
        client.socket.write(request.slice(at + 1));
        await client.until(new RegExp(`(<POST in pieces>[\\s\\S]*){${round}}`));
      }
    }),
  );
});

test('bodies of any length follow each other on one connection', async () => {
  await using gateway = await echoing();
  await using client = await caller(gateway);
  const lengths = [3, 0, 12, 12, 70_000, 1, 300_000, 5];
  const bodies = lengths.map((length, i) => String(i).repeat(length));
  for (const [round, body] of bodies.entries()) {
    client.socket.write(post(body));
    await client.until(new RegExp(`(<[^>]*>[\\s\\S]*){${round + 1}}`));
  }
  assert.deepEqual(
    answers(client.text()),
    bodies.map((body) => `<POST ${body}>`),
  );
});

const event = 'data: {"choices":[{"index":0,"delta":{"content":"one"}}]}\n\n';
for (const [what, reply] of [
  ['JSON', { json: { id: 'x', object: 'y' }, headers: { 'X-Mixed-Case': 'caf\xe9', 'x-twice': 'a' } }],
  ['an error', { status: 400, json: { error: { message: 'no' } }, headers: { 'retry-after': '7' } }],
  ['nothing', { status: 204 }],
  ['an unusual status', { status: 299, body: 'so' }],
  ['events', { chunks: [event, event], headers: { 'content-type': 'text/event-stream' } }],
  ['a large text', { body: 'x'.repeat(400_000), headers: { 'content-type': 'text/plain' } }],
  ['an empty text', { body: '', headers: { 'content-type': 'text/plain' } }],
  ["a provider's own date", { json: {}, headers: { date: 'Thu, 01 Jan 1970 00:00:00 GMT' } }],
] as const) {
  test(`${what} is answered byte for byte as node's own server would`, async () => {
    await using gateway = await passthroughGateway();
    gateway.upstreams.openai.always(() => reply);
    const seen: string[] = [];
    for (const more of ['', byNode]) {
      await using client = await caller(gateway);
      client.socket.write(post('{"model":"m"}', more));
      await client.until(/\r\n\r\n/);
      // Its answer comes when all of the first one is there.
      client.socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
      await client.until('"status":"ok"');
      const all = client.text();
      const text = all
        .slice(0, all.lastIndexOf('HTTP/1.1 200'))
        .replace(/(x-request-id|x-bf-[\w-]*ms|date): [^\r]*/gi, '$1');
      // Chunks may be cut at other places.
      const [start = '', ...rest] = text.split('\r\n\r\n');
      const body = rest.join('\r\n\r\n').replace(/(?<=^|\r\n)[\da-f]+\r\n([\s\S]*?)\r\n/g, '$1');
      seen.push(`${start.split('\r\n').sort().join('\n')}\n\n${body}`);
    }
    assert.equal(seen[0], seen[1]);
  });
}

test('a path that is no exchange is answered by whoever has it, and the connection goes on', async () => {
  await using gateway = await echoing();
  await using client = await caller(gateway);
  client.socket.write(post('a1'));
  await client.until('a1>');
  client.socket.write('POST /nothing/here HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}');
  await client.until('HTTP/1.1 404');
  client.socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
  await client.until('"status":"ok"');
  client.socket.write(post('b2'));
  await client.until('b2>');
});

test('an empty line behind a body, while it is answered, does no harm', async () => {
  await using gateway = await passthroughGateway();
  gateway.upstreams.openai.always(({ body }) => ({ body: `<${body}>`, delayMs: 50 }));
  await using client = await caller(gateway);
  client.socket.write(post('a1'));
  await sleep(20);
  client.socket.write('\r\n');
  await client.until('<a1>');
  client.socket.write(post('b2'));
  await client.until('<b2>');
});

test('a request behind an upload whose last pieces had to wait is read', async () => {
  const waiting = plugin('waiting', { hooks: { preRoute: () => sleep(200, undefined) } });
  await using gateway = await passthroughGateway({
    server: { limits: { bufferBytes: 1_000 } },
    definitions: { waiting },
    plugins: { waiting: {} },
  });
  gateway.upstreams.openai.always(({ body }) => ({ body: `<${body.length}>` }));
  await using client = await caller(gateway);
  client.socket.write(head(160_000));
  // The first goes to whoever waits; the next ones stay with the connection, and are more together than it wants to hold.
  for (const size of [80_000, 40_000, 40_000]) {
    client.socket.write(Buffer.alloc(size));
    await sleep(40);
  }
  await client.until('<160000>');
  client.socket.write(post('b2'));
  await client.until('<2>');
});

test('what a plugin says of the connection and of the length of a reply is left out', async () => {
  const odd = plugin('odd', {
    hooks: {
      preRoute(exchange) {
        for (const name of ['connection', 'Transfer-Encoding', 'keep-alive']) exchange.setReplyHeader(name, 'chunked');
        exchange.setReplyHeader('content-length', '3');
        exchange.setReplyHeader('x-odd', 'yes');
        return undefined;
      },
    },
  });
  await using gateway = await passthroughGateway({ definitions: { odd }, plugins: { odd: {} } });
  gateway.upstreams.openai.always({ body: '<hello>' });
  for (const more of ['', byNode]) {
    await using client = await caller(gateway);
    for (const round of [1, 2]) {
      client.socket.write(post('a', more));
      await client.until(new RegExp(`(<hello>[\\s\\S]*){${round}}`));
    }
    assert.match(client.text(), /^x-odd: yes\r$/m);
    assert.doesNotMatch(client.text(), /: 3\r|: chunked\r/);
  }
});

test('/health and /ready answer a POST before every plugin', async () => {
  const all = plugin('all', {
    routes: [
      {
        type: 'exchange',
        method: 'POST',
        path: '/*',
        strip: '',
        dialect: openaiChat,
        operation: 'chat',
        defaultProvider: 'openai',
      },
    ],
  });
  await using gateway = await passthroughGateway({ definitions: { all }, plugins: { all: {} } });
  await using client = await caller(gateway);
  for (const probe of ['/health', '/ready']) {
    client.socket.write(post('{}').replace(path, probe));
    await client.until(probe === '/health' ? '"status":"ok"' : /("status":"ok"[\s\S]*){2}/);
  }
});

test('a client that leaves before its answer is noticed', async () => {
  await using gateway = await passthroughGateway();
  gateway.upstreams.openai.always({ fault: 'silent' });
  const { requests } = gateway.upstreams.openai;
  for (const leave of ['destroy', 'resetAndDestroy', 'end'] as const) {
    const client = await caller(gateway);
    client.socket.write(post('{"model":"m"}'));
    for (const before = requests.length; requests.length === before; ) await sleep(5);
    const ended = gateway.next();
    client.socket[leave]();
    assert.equal((await ended).outcome.clientGone, true, leave);
  }
});

test('an idle connection ends with the gateway, and one that is served ends with its answer', async () => {
  const gateway = await passthroughGateway();
  gateway.upstreams.openai.always(({ body }) => ({ body: `<${body}>`, delayMs: String(body) === 'slow' ? 200 : 0 }));
  await using idle = await caller(gateway);
  await using busy = await caller(gateway);
  for (const client of [idle, busy]) client.socket.write(post('quick'));
  await Promise.all([idle.until('<quick>'), busy.until('<quick>')]);
  busy.socket.write(post('slow'));
  await sleep(50);
  const closed = Promise.all([once(idle.socket, 'close'), once(busy.socket, 'close')]);
  await gateway[Symbol.asyncDispose]();
  await closed;
  assert.deepEqual(answers(busy.text()), ['<quick>', '<slow>']);
});

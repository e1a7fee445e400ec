import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GoogleGenAI } from '@google/genai';
import { type PassthroughGateway, passthroughGateway } from './passthrough-gateway.ts';
import { type SocketUpstream, startSocketUpstream } from './socket-upstream.ts';

let upstream: SocketUpstream;
let gateway: PassthroughGateway;

beforeEach(async () => {
  upstream = await startSocketUpstream();
  const keys = [{ name: 'main', value: 'sk-upstream' }];
  gateway = await passthroughGateway({
    plugins: {
      'providers/openai': { baseUrl: upstream.url, keys },
      'providers/gemini': { baseUrl: upstream.url, keys },
      'providers/vertex': {
        baseUrl: upstream.url,
        keys: [{ name: 'main', value: 'ya29.x', project: 'p', region: 'global' }],
      },
    },
  });
});

afterEach(async () => {
  await upstream[Symbol.asyncDispose]();
  await gateway.close();
});

const at = (path: string): string => `ws://127.0.0.1:${gateway.port}${path}`;

async function echoed(socket: WebSocket, text: string): Promise<string> {
  const heard = once(socket, 'message') as Promise<[MessageEvent]>;
  socket.send(text);
  return String((await heard)[0].data);
}

test('joins a realtime session to the provider, both ways, and records it when it ends', async () => {
  const ended = gateway.next();
  const socket = new WebSocket(at('/openai_passthrough/v1/realtime?model=gpt-realtime'), {
    headers: { authorization: 'Bearer theirs', 'openai-beta': 'realtime=v1' },
  });
  await once(socket, 'open');
  for (const text of ['one', 'two', 'three']) assert.equal(await echoed(socket, text), text);
  const [{ url, headers }] = upstream.upgrades as [SocketUpstream['upgrades'][number]];
  assert.equal(url, '/v1/realtime?model=gpt-realtime');
  assert.equal(headers.authorization, 'Bearer sk-upstream');
  assert.equal(headers['openai-beta'], 'realtime=v1');
  socket.close();
  const { outcome, exchange } = await ended;
  assert.equal(outcome.status, 101);
  assert.equal(outcome.error, undefined);
  assert.equal(outcome.attempts[0]?.result, 'ok');
  assert.ok(outcome.bytesOut > 0);
  assert.equal(exchange.targets[0]?.model, 'gpt-realtime');
});

test('reads what a session used from its messages, in frames of any size and cut anywhere', async () => {
  const ended = gateway.next();
  const { socket } = await upgrade('/openai_passthrough/v1/realtime?model=m');
  const theirs = upstream.upgrades.at(-1)!.socket;
  const usage = {
    total_tokens: 30,
    input_tokens: 20,
    output_tokens: 10,
    input_token_details: { cached_tokens: 5, audio_tokens: 8 },
  };
  const done = JSON.stringify({
    type: 'response.done',
    response: { id: 'r', output: [{ text: 'x'.repeat(300) }], usage },
  });
  const bytes = Buffer.concat([
    serverFrame(0x81, '{"type":"session.created","usage":{"input_tokens":1000}}'),
    serverFrame(0x01, done.slice(0, 100)),
    serverFrame(0x89, 'ping'),
    serverFrame(0x80, done.slice(100)),
    serverFrame(0x82, 'x'.repeat(1_200_000)),
    serverFrame(0x81, done),
  ]);
  let heard = 0;
  socket!.on('data', (chunk: Buffer) => {
    heard += chunk.length;
    if (heard === bytes.length) socket!.destroy();
  });
  for (let at = 0; at < 900; at += 7) {
    theirs.write(bytes.subarray(at, Math.min(at + 7, 900)));
    if (at % 70 === 0) await sleep(1);
  }
  theirs.write(bytes.subarray(900));
  const { outcome } = await ended;
  assert.deepEqual(
    [outcome.usage?.input, outcome.usage?.output, outcome.usage?.cachedInput, outcome.usage?.audioInput],
    [40, 20, 10, 16],
  );
  assert.equal(outcome.bytesOut, bytes.length);
});

test('knows a browser by the key in its subprotocol, and echoes only the protocol that the provider chose', async () => {
  const socket = new WebSocket(at('/openai_passthrough/v1/realtime?model=m'), [
    'realtime',
    'openai-insecure-api-key.sk-theirs',
    'openai-beta.realtime-v1',
  ]);
  await once(socket, 'open');
  assert.equal(socket.protocol, 'realtime');
  const [{ headers }] = upstream.upgrades as [SocketUpstream['upgrades'][number]];
  assert.equal(headers['sec-websocket-protocol'], 'realtime, openai-beta.realtime-v1');
  assert.equal(headers.authorization, 'Bearer sk-upstream');
  assert.ok(!JSON.stringify(headers).includes('theirs'));
  socket.close();
});

test('serves a Live session of @google/genai, with its double slash and without the key in its URL', async () => {
  upstream.greeting = '{"setupComplete":{}}';
  for (const vertexai of [false, true]) {
    const client = new GoogleGenAI({
      apiKey: 'dummy-key',
      vertexai,
      httpOptions: { baseUrl: `${gateway.url}/genai_passthrough/` },
    });
    const session = await client.live.connect({ model: 'gemini-live', callbacks: { onmessage: () => undefined } });
    const { url, headers } = upstream.upgrades.at(-1)!;
    assert.match(
      url,
      vertexai
        ? /^\/ws\/google\.cloud\.aiplatform\./
        : /^\/ws\/google\.ai\.generativelanguage\.v1\w*\.GenerativeService\.BidiGenerateContent$/,
    );
    if (vertexai) assert.equal(headers.authorization, 'Bearer ya29.x');
    else assert.equal(headers['x-goog-api-key'], 'sk-upstream');
    assert.ok(!JSON.stringify([url, headers]).includes('dummy-key'));
    session.close();
  }
});

test("gives the provider's refusal to the client as it is", async () => {
  upstream.refuse(403, '{"error":{"message":"no"}}');
  const ended = gateway.next();
  const { status, body } = await upgrade('/openai_passthrough/v1/realtime?model=m');
  assert.equal(status, 403);
  assert.equal(body, '{"error":{"message":"no"}}');
  assert.equal((await ended).outcome.status, 403);
});

test('answers in plain HTTP where there is no WebSocket to be had', async () => {
  assert.equal((await upgrade('/nowhere')).status, 404);
  assert.equal((await upgrade('/openai_passthrough/v1/../x')).status, 400);
  await upstream[Symbol.asyncDispose]();
  const lost = await upgrade('/openai_passthrough/v1/realtime?model=m');
  assert.equal(lost.status, 502);
  assert.equal(JSON.parse(lost.body).error.code, 'upstream_unreachable');
  upstream = await startSocketUpstream();
});

test("passes the bytes of the provider's headers on as they are when it opens a WebSocket", async () => {
  const { status, headers, socket } = await upgrade('/openai_passthrough/v1/realtime?model=m');
  assert.equal(status, 101);
  // One byte for each character, as node reads headers.
  assert.equal(headers['x-place'], 'caf\xe9');
  socket!.destroy();
});

test('closes each side when the other goes', async () => {
  for (const side of ['client', 'provider'] as const) {
    const ended = gateway.next();
    const { socket } = await upgrade('/openai_passthrough/v1/realtime?model=m');
    const theirs = upstream.upgrades.at(-1)!.socket;
    const other = side === 'client' ? theirs : socket!;
    const gone = once(other, 'close');
    other.resume();
    (side === 'client' ? socket! : theirs).destroy();
    await gone;
    assert.equal((await ended).outcome.status, 101);
  }
});

test('closes the client whose provider says yes and resets the connection with the same breath', async () => {
  upstream.accepted = (socket) => socket.resetAndDestroy();
  const ended = gateway.next();
  const { socket } = await upgrade('/openai_passthrough/v1/realtime?model=m');
  if (socket !== undefined && !socket.destroyed) await once(socket.resume(), 'close');
  assert.ok([101, 502].includes((await ended).outcome.status));
});

test('closes the connection to a provider that says yes to a client who is just leaving', async () => {
  let accepted = 0;
  const client = connect({ port: gateway.port, host: '127.0.0.1' });
  const closed = new Promise((resolve) => {
    upstream.accepted = (socket) => {
      accepted += 1;
      socket.on('close', resolve).resume();
      client.destroy();
    };
  });
  client.write(
    'GET /openai_passthrough/v1/realtime?model=m HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n\r\n',
  );
  await closed;
  assert.equal(accepted, 1);
});

test('reads no more from a provider than the client takes', async () => {
  const { socket } = await upgrade('/openai_passthrough/v1/realtime?model=m');
  socket!.pause();
  const theirs = upstream.upgrades.at(-1)!.socket;
  const block = Buffer.alloc(1_048_576);
  let written = 0;
  while (written < 300 && theirs.write(block)) written += 1;
  theirs.on('drain', () => {
    while (written < 300 && theirs.write(block)) written += 1;
  });
  await sleep(1_000);
  assert.ok(written < 200, `${written} MB`);
  socket!.destroy();
});

test('asks the plugins that refuse, before it calls the provider', async () => {
  const { definePlugin, GatewayError } = await import('../../plugin-sdk/index.ts');
  const { z } = await import('zod');
  const guard = definePlugin({
    name: 'guard',
    options: z.strictObject({}),
    setup: () => ({
      hooks: {
        preRoute: () => {
          throw new GatewayError('AUTH_MISSING', {});
        },
      },
    }),
  });
  await using guarded = await passthroughGateway({
    definitions: { guard: guard as never },
    plugins: { guard: {}, 'providers/openai': { baseUrl: upstream.url, keys: [{ name: 'a', value: 'k' }] } },
  });
  const { status } = await upgrade('/openai_passthrough/v1/realtime', guarded.port);
  assert.equal(status, 401);
  assert.equal(upstream.upgrades.length, 0);
});

test('serves a call with an offer to upgrade to HTTP/2 as it stands', async () => {
  await using plain = await passthroughGateway();
  plain.upstreams.openai.reply({ json: { ok: true } });
  const outgoing = httpRequest({
    port: plain.port,
    path: '/openai_passthrough/v1/models',
    headers: { connection: 'upgrade, http2-settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA' },
  }).end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.equal(incoming.statusCode, 200);
  incoming.resume();
});

function serverFrame(first: number, text: string): Buffer {
  const size = text.length;
  const head =
    size < 126
      ? Buffer.from([first, size])
      : size < 65_536
        ? Buffer.from([first, 126, size >> 8, size & 255])
        : Buffer.alloc(10);
  if (size >= 65_536) {
    head[0] = first;
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([head, Buffer.from(text)]);
}

interface Upgraded {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly socket: Socket | undefined;
  readonly body: string;
}

function upgrade(path: string, port = gateway.port): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      port,
      path,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    outgoing.on('upgrade', (incoming, socket) => {
      socket.on('error', () => undefined);
      const { statusCode: status = 0, headers } = incoming;
      resolve({ status, headers, socket: socket as Socket, body: '' });
    });
    outgoing.on('response', async (incoming) => {
      let body = '';
      for await (const chunk of incoming) body += chunk;
      const { statusCode: status = 0, headers } = incoming;
      resolve({ status, headers, socket: undefined, body });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

test('a key that no header can hold is said to be that, and leaves no connection behind', async () => {
  // Nothing listens there: a connection that nobody waits for would fail unheard, and end the process.
  const keys = [{ name: 'main', value: 'sk-\u0100' }];
  await using other = await passthroughGateway({
    plugins: { 'providers/openai': { baseUrl: 'http://127.0.0.1:1', keys } },
  });
  const asking = httpRequest(`${other.url}/openai_passthrough/v1/realtime?model=m`, {
    headers: { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x', 'sec-websocket-version': '13' },
  }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  const [body] = (await once(answer.setEncoding('utf8'), 'data')) as [string];
  assert.equal(answer.statusCode, 502);
  assert.match(body, /header/);
  assert.doesNotMatch(body, /sk-/);
  await sleep(50);
});

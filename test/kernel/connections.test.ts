import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { Connections } from '../../kernel/upstream/connections.ts';
import { send } from '../../kernel/upstream/send.ts';
import type { UpstreamReply } from '../../kernel/upstream/upstream-reply.ts';
import {
  type AttemptRecord,
  collect,
  type PluginInstance,
  Secret,
  type UpstreamRequest,
} from '../../plugin-sdk/index.ts';
import { certificate } from '../routes/certificate.ts';
import { ask, chatGateway, completion, plugin } from './chat-gateway.ts';
import { type RawSeen, rawUpstream } from './raw-upstream.ts';

const plain = (headers = '', version = '1.1'): string =>
  `HTTP/${version} 200 OK\r\ncontent-length: 2\r\n${headers}\r\nok`;

/** One gateway's connections, closed when the test ends. */
function client(origin: string) {
  const connections = new Connections();
  const call = (more: Partial<UpstreamRequest> = {}): Promise<UpstreamReply> =>
    send(
      { provider: 'p', origin, method: 'POST', path: '/', headers: [], body: 'hi', privateAddresses: true, ...more },
      connections,
      1_000,
    );
  const whole = async (more?: Partial<UpstreamRequest>): Promise<string> =>
    (await collect(await call(more), 1e9, () => new Error('too large'))).toString();
  return { connections, call, whole, [Symbol.dispose]: () => connections.close() };
}

for (const [how, headers, version, opened] of [
  ['is used again', '', '1.1', 1],
  ['is closed behind a reply that says so', 'connection: close\r\n', '1.1', 3],
  ['is closed behind an HTTP/1.0 reply', '', '1.0', 3],
  ['is used again where HTTP/1.0 keeps it', 'connection: keep-alive\r\n', '1.0', 1],
  ['is closed when its upstream would close it soon', 'keep-alive: timeout=2\r\n', '1.1', 3],
  ['is used again within the time that its upstream names', 'keep-alive: timeout=5, max=100\r\n', '1.1', 1],
] as const) {
  test(`a connection ${how}`, async () => {
    await using upstream = await rawUpstream(({ socket }) => void socket.write(plain(headers, version)));
    using gateway = client(upstream.url);
    for (let i = 0; i < 3; i++) assert.equal(await gateway.whole(), 'ok');
    assert.equal(upstream.connections, opened);
    await sleep(20);
    assert.equal(gateway.connections.stats()[0]!.busy, 0);
  });
}

test('an attempt says what opening its connection took, and nothing where one was open', async () => {
  const attempts: (AttemptRecord | undefined)[] = [];
  const watching = {
    hooks: { postLog: (_, { attempts: made }) => void attempts.push(made[0]) },
  } satisfies PluginInstance;
  await using gateway = await chatGateway({ watching: plugin('watching', watching) });
  gateway.upstream.always({ json: completion('hello'), delayMs: 200 });
  for (let i = 0; i < 2; i++) await (await ask(gateway, {})).text();
  const [first, second] = attempts;
  assert.ok(first!.connectMs! > 0 && first!.connectMs! < first!.upstreamMs! - 100, `${first!.connectMs}`);
  assert.equal(second!.connectMs, undefined);
});

test('a connection is given up when its time is over', async () => {
  await using upstream = await rawUpstream(({ socket }) => void socket.write(plain('keep-alive: timeout=3\r\n')));
  using gateway = client(upstream.url);
  await gateway.whole();
  await sleep(1_100);
  await gateway.whole();
  assert.equal(upstream.connections, 2);
});

test('the connection used last is used next, and one that ended is not', async () => {
  const seen: RawSeen[] = [];
  await using upstream = await rawUpstream((request) => void seen.push(request));
  using gateway = client(upstream.url);
  const calls = [gateway.whole(), gateway.whole()];
  while (seen.length < 2) await sleep(5);
  seen[0]!.socket.write(plain());
  await calls[0];
  seen[1]!.socket.write(plain());
  await calls[1];
  const next = async (): Promise<RawSeen> => {
    const done = gateway.whole();
    const count = seen.length;
    while (seen.length === count) await sleep(5);
    seen.at(-1)!.socket.write(plain());
    await done;
    return seen.at(-1)!;
  };
  assert.equal((await next()).socket, seen[1]!.socket);
  seen[1]!.socket.destroy();
  await sleep(50);
  assert.equal((await next()).socket, seen[0]!.socket);
  assert.deepEqual(
    gateway.connections.stats().map(({ open, busy }) => ({ open, busy })),
    [{ open: 1, busy: 0 }],
  );
});

test('what comes unasked on an idle connection ends it, and answers nothing', async () => {
  const replies = [`${plain()}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfalse`, plain(), plain()];
  await using upstream = await rawUpstream(({ socket }) => void socket.write(replies.shift()!));
  using gateway = client(upstream.url);
  assert.equal(await gateway.whole(), 'ok');
  assert.equal(await gateway.whole(), 'ok');
  assert.equal(upstream.connections, 2);
});

test('a reply whose last bytes found its reader full leaves a connection that is read', async () => {
  await using upstream = await rawUpstream(({ socket }) => void socket.write(plain()));
  using gateway = client(upstream.url);
  const reply = await gateway.call();
  await new Promise<void>((resolve, reject) => {
    reply.start({
      push: () => {
        setTimeout(() => reply.resume(), 50);
        return false;
      },
      end: resolve,
      fail: reject,
    });
  });
  assert.equal(await gateway.whole(), 'ok');
  assert.equal(upstream.connections, 1);
});

for (const [when, ready] of [
  ['as its body ends with its connection', true],
  ['once it takes more', false],
] as const) {
  test(`a reader that breaks ${when} is told that it broke`, async () => {
    await using upstream = await rawUpstream(({ socket }) => void socket.end('HTTP/1.1 200 OK\r\n\r\nall'));
    using gateway = client(upstream.url);
    const reply = await gateway.call();
    const broken = new Error('broken');
    const told = new Promise<Error>((resolve) => {
      reply.start({
        push: () => ready,
        end: () => {
          throw broken;
        },
        fail: resolve,
      });
    });
    await sleep(20);
    if (!ready) reply.resume();
    assert.equal(await told, broken);
  });
}

test('a body that ends with its connection is whole only when the connection is ended, not when it breaks', async () => {
  await using upstream = await rawUpstream(({ socket, head }) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\nall there is');
    setTimeout(() => (head.includes('/reset') ? socket.resetAndDestroy() : socket.end()), 30);
  });
  using gateway = client(upstream.url);
  assert.equal(await gateway.whole(), 'all there is');
  await assert.rejects(gateway.whole({ path: '/reset' }), { code: 'UP_STREAM_CUT' });
});

test('a header that would break its line is refused by its name, and its value is not told', async () => {
  await using upstream = await rawUpstream(({ socket }) => void socket.write(plain()));
  using gateway = client(upstream.url);
  for (const headers of [
    ['x-a', 'b\r\nx-evil: 1'],
    ['x-a', new Secret('sk-secret\n')],
    ['x-a\r\nx-evil', 'b'],
    ['x-a', 'b\0c'],
    ['x-a', 'b\u0100'],
  ]) {
    await assert.rejects(gateway.call({ headers }), (error: Error) => {
      assert.match(error.message, /the header "x-a.*holds a character that HTTP does not allow/);
      assert.doesNotMatch(error.message, /sk-secret/);
      return true;
    });
  }
  await assert.rejects(gateway.call({ path: '/a b' }), /its path holds/);
  await assert.rejects(gateway.call({ method: 'GE T' }), /its method holds/);
  assert.equal(upstream.heads.length, 0);
});

test('what the sender writes itself is written once, and a provider may name its host', async () => {
  await using upstream = await rawUpstream(({ socket }) => void socket.write(plain()));
  using gateway = client(upstream.url);
  const headers = [
    'Host',
    'api.example',
    'Connection',
    'close',
    'Content-Length',
    '99',
    'Transfer-Encoding',
    'chunked',
  ];
  await gateway.whole({ headers });
  await gateway.whole({ method: 'GET', body: undefined });
  await gateway.whole({ body: undefined });
  const { host } = new URL(upstream.url);
  assert.deepEqual(upstream.heads, [
    'POST / HTTP/1.1\r\nhost: api.example\r\nconnection: keep-alive\r\ncontent-length: 2',
    `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive`,
    `POST / HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\ncontent-length: 0`,
  ]);
});

for (const [what, length, message] of [
  ['longer', '3', /longer than was declared/],
  ['shorter', '9', /shorter than was declared/],
] as const) {
  test(`a streamed body that is ${what} than was declared fails its call`, async () => {
    await using upstream = await rawUpstream(() => {});
    using gateway = client(upstream.url);
    const body = Readable.from([Buffer.from('ab'), Buffer.from('cdef')]);
    await assert.rejects(gateway.call({ headers: ['content-length', length], body }), message);
    assert.equal(gateway.connections.stats()[0]!.busy <= 1, true);
  });
}

test('an answer that comes during an upload is heard, the upload ends and its connection is not used again', async () => {
  await using upstream = await rawUpstream(({ socket }) => void socket.write(plain()));
  using gateway = client(upstream.url);
  const body = new Readable({ read() {} });
  body.push(Buffer.from('some'));
  assert.equal(await gateway.whole({ body }), 'ok');
  assert.equal(body.destroyed, true);
  assert.equal(await gateway.whole(), 'ok');
  assert.equal(upstream.connections, 2);
});

test('a call that is aborted before it began is not made', async () => {
  await using upstream = await rawUpstream(({ socket }) => void socket.write(plain()));
  using gateway = client(upstream.url);
  const early = new Error('changed my mind');
  const request = { provider: 'p', origin: upstream.url, method: 'GET', path: '/', headers: [], body: undefined };
  const started = (abort: (reason: Error) => void): void => abort(early);
  await assert.rejects(send({ ...request, privateAddresses: true }, gateway.connections, 1_000, started), early);
  await sleep(50);
  assert.equal(upstream.connections, 0);
});

test('a time for connecting that no timer can wait is waited as long as one can', async () => {
  await using upstream = await rawUpstream(({ socket }) => void socket.write(plain()));
  const connections = new Connections();
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const request = { provider: 'p', origin: upstream.url, method: 'GET', path: '/', headers: [], body: undefined };
  await send({ ...request, privateAddresses: true }, connections, 1e10);
  await sleep(20);
  process.off('warning', onWarning);
  connections.close();
  assert.deepEqual(warnings, []);
});

test('an origin that has a call is kept however many others there are, and its call ends with the connections', async () => {
  await using upstream = await rawUpstream(() => {});
  using gateway = client(upstream.url);
  const waiting = assert.rejects(gateway.call(), { code: 'UP_RESET' });
  while (upstream.heads.length === 0) await sleep(5);
  const others = Array.from({ length: 1_500 }, (_, i) => `http://${i}.example`);
  for (const origin of others) gateway.connections.to({ origin, privateAddresses: true, connectMs: 1_000 });
  const known = gateway.connections.stats();
  assert.equal(known.length, 1_000);
  assert.deepEqual(
    known.filter(({ busy }) => busy > 0).map(({ origin }) => origin),
    [upstream.url],
  );
  gateway.connections.close();
  await waiting;
});

test('closing the connections fails the calls on them', async () => {
  await using upstream = await rawUpstream(({ socket, head }) => {
    if (head.includes('/stream')) socket.write('HTTP/1.1 200 OK\r\n\r\nhalf');
  });
  const gateway = client(upstream.url);
  const waiting = assert.rejects(gateway.call(), { code: 'UP_RESET' });
  const streaming = assert.rejects(gateway.whole({ path: '/stream' }), { code: 'UP_STREAM_CUT' });
  while (upstream.heads.length < 2) await sleep(5);
  await sleep(30);
  gateway.connections.close();
  await Promise.all([waiting, streaming]);
});

test('a connection that does not come about in time is known for that', async () => {
  // It is taken, and the TLS handshake is never answered.
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  using gateway = client(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const started = performance.now();
  await assert.rejects(gateway.call(), { code: 'UP_CONNECT', message: /no connection in time/ });
  assert.ok(performance.now() - started < 2_000);
  server.close();
});

test('a port that speaks no TLS is named as that, not in the words of OpenSSL', async () => {
  const server = createServer((socket) => void socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  using gateway = client(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await assert.rejects(gateway.call(), {
    code: 'UP_CONNECT',
    message: /^p could not be reached: no TLS handshake with it \([a-z ]+\); does it speak plain http\?/,
  });
  server.close();
});

test('over TLS a second connection resumes the session of the first, and large bodies keep their order at any pace', async () => {
  const body = Buffer.alloc(6_000_000, 'abcdefghijklmnopqrstuvwxyz');
  const resumed: boolean[] = [];
  const protocols: unknown[] = [];
  const server: Server = createSecureServer(
    { ...certificate, ALPNProtocols: ['h2', 'http/1.1'] },
    (incoming, outgoing) => {
      outgoing.writeHead(200, { connection: 'close' });
      incoming.resume().on('end', () => outgoing.end(body));
    },
  ).on('secureConnection', (socket: TLSSocket) => {
    resumed.push(socket.isSessionReused());
    protocols.push(socket.alpnProtocol);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  using gateway = client(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    for (let i = 0; i < 2; i++) {
      const reply = await gateway.call();
      const chunks: Buffer[] = [];
      await new Promise<void>((resolve, reject) => {
        let reads = 0;
        reply.start({
          push: (chunk) => {
            chunks.push(chunk);
            reads += 1;
            if (reads % 10 !== 0) return true;
            setTimeout(() => reply.resume(), 1);
            return false;
          },
          end: resolve,
          fail: reject,
        });
      });
      assert.ok(Buffer.concat(chunks).equals(body));
    }
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    server.close();
  }
  assert.deepEqual(resumed, [false, true]);
  assert.deepEqual(protocols, ['http/1.1', 'http/1.1']);
});

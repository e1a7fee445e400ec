import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PassthroughGateway, passthroughGateway } from '../routes/passthrough-gateway.ts';
import { ask, chatGateway } from './chat-gateway.ts';
import { jsonAnswer, type RawSeen, rawUpstream } from './raw-upstream.ts';

const refusal = { error: { message: 'Too large.', type: 'invalid_request_error', param: null, code: 'too_large' } };
const answer = (headers = ''): string => jsonAnswer(refusal, '413 Payload Too Large', headers);

/** How upstreams end a call whose body they do not want. */
const endings: Record<string, (seen: RawSeen) => void> = {
  'reads on': ({ socket }) => socket.write(answer()),
  'reads no further': ({ socket }) => socket.pause().write(answer()),
  'closes its side and reads on': ({ socket }) => socket.end(answer('connection: close\r\n')),
  'closes the connection': ({ socket }) => socket.pause().end(answer('connection: close\r\n'), () => socket.destroy()),
  'closes without saying so': ({ socket }) => socket.pause().end(answer(), () => socket.destroy()),
  'resets the connection a little later': ({ socket }) => {
    socket.pause().write(answer());
    setTimeout(() => socket.resetAndDestroy(), 20);
  },
};

const bytes = 12_000_000;

/** Sends a large body piece by piece and gives the answer that came, before its end or after. */
function upload(gateway: PassthroughGateway, pauseMs: number): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      port: gateway.port,
      path: '/openai_passthrough/v1/files',
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'multipart/form-data; boundary=b', 'content-length': bytes },
    });
    let answered = false;
    outgoing.on('error', (error) => answered || reject(error));
    outgoing.on('response', (incoming: IncomingMessage) => {
      answered = true;
      let text = '';
      incoming.on('data', (chunk) => (text += chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        outgoing.destroy();
        resolve({ status: incoming.statusCode ?? 0, text });
      });
    });
    void (async () => {
      for (let sent = 0; sent < bytes && !answered; sent += 200_000) {
        if (!outgoing.write(Buffer.alloc(200_000))) await new Promise((done) => outgoing.once('drain', done));
        if (pauseMs > 0) await sleep(pauseMs);
      }
    })();
  });
}

for (const [how, end] of Object.entries(endings)) {
  for (const pauseMs of [0, 5]) {
    test(`the answer of a provider that ${how} during an upload reaches the client (pieces ${pauseMs} ms apart)`, async () => {
      await using upstream = await rawUpstream(end);
      await using gateway = await passthroughGateway({ plugins: { 'providers/openai': upstream.provider() } });
      for (let round = 0; round < 10; round++) {
        const ended = gateway.next();
        const reply = await upload(gateway, pauseMs);
        assert.equal(reply.status, 413, `round ${round}: ${reply.text}`);
        assert.deepEqual(JSON.parse(reply.text), refusal);
        assert.equal((await ended).outcome.status, 413);
      }
    });
  }
}

test('the answer of a provider that closes before it has read a whole JSON body reaches the client', async () => {
  await using upstream = await rawUpstream(endings['closes the connection']!);
  await using gateway = await chatGateway({}, { plugins: { up: { use: 'chat-provider', ...upstream.provider() } } });
  for (let round = 0; round < 10; round++) {
    const reply = await ask(gateway, { messages: [{ role: 'user', content: 'x'.repeat(12_000_000) }] });
    assert.equal(reply.status, 413);
    assert.deepEqual(await reply.json(), refusal);
  }
});

for (const [whose, limit] of [
  ['the provider', {}],
  ['the gateway', { server: { limits: { uploadBytes: 1_000_000 } } }],
] as const) {
  test(`a client that sends its whole body before it reads gets the early answer of ${whose}`, async () => {
    await using upstream = await rawUpstream(endings['closes the connection']!);
    await using gateway = await passthroughGateway({ ...limit, plugins: { 'providers/openai': upstream.provider() } });
    const socket = connect(gateway.port, '127.0.0.1').pause();
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure = error;
    });
    socket.write(
      `POST /openai_passthrough/v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ncontent-length: ${bytes}\r\n\r\n`,
    );
    for (let sent = 0; sent < bytes && failure === undefined; sent += 100_000) {
      if (!socket.write(Buffer.alloc(100_000))) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      await sleep(1);
    }
    assert.equal(failure, undefined);
    let text = '';
    for await (const chunk of socket) text += chunk;
    assert.match(text, /^HTTP\/1\.1 413 [\s\S]*\}$/, 'and the connection is closed behind it');
  });
}

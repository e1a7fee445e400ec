import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { type Flow, flowOf } from '../../plugin-sdk/index.ts';
import { type ChatGateway, chatGateway, plugin } from './chat-gateway.ts';

/** A gateway whose plugin answers every call with the bytes of this flow. */
function answering(flow: () => Flow<Buffer>): Promise<ChatGateway> {
  const answers = plugin('answers', {
    hooks: {
      preRoute: () => ({
        origin: 'gateway',
        status: 200,
        headers: ['content-type', 'text/plain'],
        body: { type: 'flow', flow: flow(), events: false },
      }),
    },
  });
  return chatGateway({ answers });
}

const body = '{"model":"up/m"}';
const raw = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body };

/** Small ones are put together; those above 15 KB go out on their own. */
const piece = fc
  .tuple(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 15_000, max: 16_000 })), fc.nat(255))
  .map(([size, byte]) => Buffer.alloc(size, byte));

test('pieces of any length, written in one turn or in several, arrive whole and in order', async () => {
  let turns: readonly (readonly Buffer[])[] = [];
  await using gateway = await answering(() => inTurns(turns));
  const given = fc.array(fc.array(piece, { maxLength: 6 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(given, async (pieces) => {
      turns = pieces;
      const reply = await fetch(`${gateway.url}/v1/chat/completions`, request);
      assert.deepEqual(Buffer.from(await reply.arrayBuffer()), Buffer.concat(pieces.flat()));
    }),
    { numRuns: 60 },
  );
});

test('a client that stops reading stops the flow, which goes on where it was', async () => {
  const pieces = Array.from({ length: 20_000 }, (_, i) => Buffer.from(`${i}\n`.padStart(1_000)));
  let taken = 0;
  const source = flowOf(pieces);
  await using gateway = await answering(() => ({
    ...source,
    start: (sink) =>
      source.start({
        push(item) {
          taken += 1;
          return sink.push(item);
        },
        end: () => sink.end(),
        fail: (error) => sink.fail(error),
      }),
  }));
  const socket = connect(gateway.port, '127.0.0.1').pause();
  await once(socket, 'connect');
  socket.write(raw);
  await sleep(500);
  assert.ok(taken > 0 && taken < pieces.length, `${taken} pieces were taken`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk);
    if (chunk.subarray(-5).toString() === '0\r\n\r\n') break;
  }
  const numbers =
    Buffer.concat(chunks)
      .toString()
      .match(/(?<= )\d+(?=\n)/g) ?? [];
  assert.deepEqual(
    numbers,
    pieces.map((_, i) => String(i)),
  );
});

test('what was written before a connection is cut arrives', async () => {
  await using gateway = await answering(() => ({
    start(sink) {
      sink.push(Buffer.from('the first half'));
      sink.fail(new Error('gone'));
    },
    resume() {},
    abort() {},
  }));
  const socket = connect(gateway.port, '127.0.0.1');
  let text = '';
  socket.on('error', () => {}).on('data', (chunk) => (text += chunk));
  socket.write(raw);
  await once(socket, 'close');
  assert.match(text, /\r\n\r\ne\r\nthe first half\r\n$/);
});

/** Each list in a turn of its own. */
function inTurns(turns: readonly (readonly Buffer[])[]): Flow<Buffer> {
  return {
    start(sink) {
      const next = (place: number): void => {
        for (const item of turns[place] ?? []) sink.push(item);
        if (place < turns.length) setImmediate(next, place + 1);
        else sink.end();
      };
      next(0);
    },
    resume() {},
    abort() {},
  };
}

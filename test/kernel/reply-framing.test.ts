import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type AnswerEvent, flowOf, type Reply } from '../../plugin-sdk/index.ts';
import { type ChatGateway, chatGateway, plugin } from './chat-gateway.ts';

const question = JSON.stringify({ model: 'gpt', messages: [], stream: true });
const allBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const bytes = (length: number): Buffer => Buffer.alloc(length, allBytes);
/** Around the size from which a piece is written beside its frame, and far above it. */
const pieces = [1, 15_359, 15_360, 15_361, 70_000, 3].map(bytes);

/** A gateway that answers with this. */
function answering(reply: () => Reply): Promise<ChatGateway> {
  return chatGateway({ mine: plugin('mine', { hooks: { execute: reply } }) });
}

/** All that comes back on a connection of its own, as latin1: a byte is a character. */
function exchange({ port }: ChatGateway, version: string, headers = ''): Promise<{ head: string; body: string }> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(
        `POST /v1/chat/completions HTTP/${version}\r\nhost: x\r\n${headers}content-length: ${question.length}\r\n\r\n${question}`,
      ),
    );
    socket.on('data', (chunk) => (text += chunk.toString('latin1'))).on('error', reject);
    socket.on('close', () => {
      const end = text.indexOf('\r\n\r\n');
      resolve({ head: text.slice(0, end), body: text.slice(end + 4) });
    });
  });
}

/** The content of a chunked body. Throws AssertionError for anything that is not exactly one. */
function dechunked(body: string): string {
  let content = '';
  let at = 0;
  for (;;) {
    const line = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.slice(at, line), 16);
    assert.equal(body.slice(at, line), size.toString(16));
    content += body.slice(line + 2, line + 2 + size);
    at = line + 2 + size;
    assert.equal(body.slice(at, at + 2), '\r\n');
    at += 2;
    if (size === 0) break;
  }
  assert.equal(at, body.length, 'nothing behind the last chunk');
  return content;
}

const flowing = (list: readonly Uint8Array[]): Reply => ({
  origin: 'gateway',
  status: 200,
  headers: ['content-type', 'text/plain', 'x-note', 'caf\xe9'],
  body: { type: 'flow', events: false, flow: flowOf(list as Buffer[]) },
});

const translated = (): Reply => {
  const at = { choice: 0, block: 0 };
  const events: AnswerEvent[] = [
    { type: 'start', id: 'one', model: 'gpt' },
    { type: 'block-start', ...at, head: { type: 'text' } },
    { type: 'text', ...at, text: 'é 日本 😀' },
    { type: 'text', ...at, text: 'é'.repeat(20_000) },
    { type: 'block-end', ...at },
    { type: 'finish', choice: 0, finish: { reason: 'stop', native: 'stop' } },
    { type: 'end' },
  ];
  return {
    origin: 'gateway',
    status: 200,
    headers: ['x-note', 'caf\xe9'],
    body: { type: 'events', events: flowOf(events) },
  };
};

test('bytes of every value and size arrive in chunks as they are', async () => {
  await using gateway = await answering(() => flowing(pieces));
  const { head, body } = await exchange(gateway, '1.1', 'connection: close\r\n');
  assert.match(head, /transfer-encoding: chunked/i);
  assert.ok(dechunked(body) === Buffer.concat(pieces).toString('latin1'));
});

test('a client of HTTP/1.0 gets the same bytes without chunks', async () => {
  await using gateway = await answering(() => flowing(pieces));
  const { head, body } = await exchange(gateway, '1.0');
  assert.doesNotMatch(head, /chunked/i);
  assert.ok(body === Buffer.concat(pieces).toString('latin1'));
});

test('an empty piece in the middle does not end a body', async () => {
  await using gateway = await answering(() => flowing([bytes(2), Buffer.alloc(0), bytes(3)]));
  const { body } = await exchange(gateway, '1.1', 'connection: close\r\n');
  assert.equal(dechunked(body), Buffer.concat([bytes(2), bytes(3)]).toString('latin1'));
});

test('a plugin may send what the web calls bytes', async () => {
  const text = new TextEncoder();
  await using gateway = await answering(() => flowing([text.encode('hällo '), text.encode('world')]));
  const { body } = await exchange(gateway, '1.1', 'connection: close\r\n');
  assert.equal(Buffer.from(dechunked(body), 'latin1').toString(), 'hällo world');
});

for (const version of ['1.0', '1.1']) {
  test(`text of several bytes a character and a header of one byte each arrive as they are in HTTP/${version}`, async () => {
    await using gateway = await answering(translated);
    const { head, body } = await exchange(gateway, version, 'connection: close\r\n');
    assert.match(head, /x-note: caf\xe9\r\n/);
    const text = Buffer.from(version === '1.0' ? body : dechunked(body), 'latin1').toString();
    assert.ok(text.includes('é 日本 😀'));
    assert.ok(text.includes('é'.repeat(20_000)));
    assert.ok(text.endsWith('data: [DONE]\n\n'));
  });
}

test('a header of one byte a character stays what it is beside a body of text, and when it goes out alone', async () => {
  const headers = ['content-type', 'application/json', 'x-note', 'caf\xe9'];
  const answer = JSON.stringify({ text: 'é' });
  await using whole = await answering(() => ({
    origin: 'gateway',
    status: 200,
    headers,
    body: { type: 'bytes', bytes: answer as never },
  }));
  const one = await exchange(whole, '1.1', 'connection: close\r\n');
  assert.match(one.head, /x-note: caf\xe9\r\n/);
  assert.equal(Buffer.from(one.body, 'latin1').toString(), answer);

  await using late = await answering(() => {
    const flow = flowOf([Buffer.from('later')]);
    return { ...flowing([]), body: { type: 'flow', events: false, flow: { ...flow, start: startLater(flow) } } };
  });
  const two = await exchange(late, '1.1', 'connection: close\r\n');
  assert.match(two.head, /x-note: caf\xe9\r\n/);
  assert.equal(dechunked(two.body), 'later');
});

function startLater(flow: ReturnType<typeof flowOf<Buffer>>): typeof flow.start {
  return (sink) => void setTimeout(() => flow.start(sink), 20);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wireRequest } from '../../kernel/upstream/wire-request.ts';
import { type OutgoingHeaders, Secret } from '../../plugin-sdk/index.ts';

function linesOf(headers: OutgoingHeaders, path = '/v1/chat/completions'): string[] {
  const request = { provider: 'p', origin: 'http://p', method: 'POST', path, headers, body: undefined };
  const { head } = wireRequest({ ...request, privateAddresses: true }, 'p');
  assert.ok(head.endsWith('\r\n\r\n'));
  return head.slice(0, -4).split('\r\n').slice(1);
}

const framing = ['connection: keep-alive', 'content-length: 0'];

test('each call carries its own headers and its own credential, however alike the calls are', () => {
  const calls: OutgoingHeaders[] = [
    ['user-agent', 'a', 'authorization', new Secret('Bearer one'), 'x-trace', '1'],
    ['user-agent', 'a', 'authorization', new Secret('Bearer two'), 'x-trace', '1'],
    ['user-agent', 'a', 'authorization', new Secret('Bearer two'), 'x-trace', '2'],
    ['user-agent', 'b', 'authorization', new Secret('Bearer one'), 'x-trace', '1'],
    ['user-agent', 'b', 'x-api-key', new Secret('Bearer one'), 'x-trace', '1'],
    ['user-agent', 'b', 'authorization', 'plain', 'x-trace', '1'],
    ['user-agent', 'a', 'authorization', new Secret('Bearer one'), 'x-trace', '1'],
  ];
  for (const headers of calls) {
    const wanted = ['host: p', ...framing];
    for (let i = 0; i < headers.length; i += 2) {
      const value = headers[i + 1]!;
      wanted.push(`${String(headers[i])}: ${value instanceof Secret ? Secret.reveal(value) : value}`);
    }
    assert.deepEqual(linesOf(headers).sort(), wanted.sort());
  }
});

test('a list of headers that is changed after it was sent is written as it is then', () => {
  const headers: OutgoingHeaders = ['x-one', 'before', 'x-two', 'same'];
  assert.ok(linesOf(headers).includes('x-one: before'));
  headers[1] = 'after';
  assert.ok(linesOf(headers).includes('x-one: after'));
});

test('a provider may name another host, for its own calls alone', () => {
  assert.ok(linesOf(['host', 'other', 'x-same', '1']).includes('host: other'));
  assert.ok(linesOf(['x-some', 'other', 'x-same', '1']).includes('host: p'));
});

test('what the sender writes itself is written once, be it given as a secret', () => {
  const given: OutgoingHeaders = ['x-same', '1', 'Content-Length', new Secret('7'), 'connection', new Secret('close')];
  assert.deepEqual(linesOf(given).sort(), ['host: p', 'x-same: 1', ...framing].sort());
});

test('a credential that would break its line is refused without being named', () => {
  const bad = new Secret('Bearer one\r\nx-smuggled: 1');
  assert.throws(
    () => linesOf(['x-same', '1', 'authorization', bad]),
    (error: Error) => error.message.includes('"authorization"') && !error.message.includes('one'),
  );
});

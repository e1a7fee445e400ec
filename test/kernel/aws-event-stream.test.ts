import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import { writeAwsEvent } from '../../plugin-sdk/dialects/write-aws-event.ts';
import { fails, frame } from './frame.ts';
import { singleBytes } from './streams.ts';

describe('AWS event streams', () => {
  const text = (value: string) => ({ type: 'string', value }) as const;
  const codec = new EventStreamCodec(
    (bytes) => Buffer.from(bytes as Uint8Array).toString(),
    (string) => Buffer.from(string),
  );

  it('reads what the reference encoder writes, with headers of every type', () => {
    const bytes = codec.encode({
      headers: {
        ':message-type': text('event'),
        yes: { type: 'boolean', value: true },
        no: { type: 'boolean', value: false },
        byte: { type: 'byte', value: 1 },
        short: { type: 'short', value: 2 },
        integer: { type: 'integer', value: 3 },
        binary: { type: 'binary', value: Buffer.from('abc') },
        timestamp: { type: 'timestamp', value: new Date(0) },
        uuid: { type: 'uuid', value: '01234567-89ab-cdef-0123-456789abcdef' },
        ':event-type': text('messageStart'),
      },
      body: Buffer.from('{"a":"😀"}'),
    });
    assert.deepEqual(frame('aws-event-stream', [Buffer.from(bytes)]), [{ name: 'messageStart', data: '{"a":"😀"}' }]);
  });

  it('reads and writes events and exceptions as the reference codec does, at every split', () => {
    const bytes = Buffer.concat([
      writeAwsEvent('chunk', '{"é":1}'),
      writeAwsEvent('throttlingException', '{"message":"no"}', 'exception'),
    ]);
    const first = codec.decode(bytes.subarray(0, bytes.readUInt32BE(0)));
    assert.deepEqual(first.headers[':event-type'], { type: 'string', value: 'chunk' });
    assert.equal(Buffer.from(first.body).toString(), '{"é":1}');
    const expected = [
      { name: 'chunk', data: '{"é":1}' },
      { name: 'throttlingException', data: '{"message":"no"}', exception: true },
    ];
    for (let at = 0; at <= bytes.length; at++)
      assert.deepEqual(frame('aws-event-stream', [bytes.subarray(0, at), bytes.subarray(at)]), expected);
    assert.deepEqual(frame('aws-event-stream', singleBytes(bytes)), expected);
  });

  it('gives the message of an error frame, which comes in a header', () => {
    const bytes = codec.encode({
      headers: {
        ':message-type': text('error'),
        ':error-code': text('InternalError'),
        ':error-message': text('broken'),
      },
      body: Buffer.alloc(0),
    });
    assert.deepEqual(frame('aws-event-stream', [Buffer.from(bytes)]), [
      { name: 'InternalError', data: '{"message":"broken"}', exception: true },
    ]);
  });

  it('finds every flipped bit', () => {
    const bytes = writeAwsEvent('chunk', '{"a":1}');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const broken = Buffer.from(bytes);
      broken[bit >> 3]! ^= 1 << (bit & 7);
      fails('UP_BAD_BODY', () => frame('aws-event-stream', [broken]));
      fails('UP_BAD_BODY', () => frame('aws-event-stream', singleBytes(broken)));
    }
  });

  it('reports a cut frame and refuses one above the limit before it has arrived', () => {
    const bytes = writeAwsEvent('chunk', `"${'x'.repeat(200)}"`);
    fails('UP_STREAM_CUT', () => frame('aws-event-stream', [bytes.subarray(0, -1)]));
    fails('UP_EVENT_TOO_LARGE', () => frame('aws-event-stream', [bytes.subarray(0, 12)], 100));
  });
});

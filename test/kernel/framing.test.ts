import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createFramer } from '../../kernel/framing/create-framer.ts';
import type { FramedEvent } from '../../plugin-sdk/dialects/dialect.ts';
import { fails, frame } from './frame.ts';
import { absent, chunkSizes, cut, recordedStreams, singleBytes } from './streams.ts';

/** The specification, word for word and without regard to speed. */
function readSse(bytes: Buffer): FramedEvent[] {
  const lines = bytes
    .toString()
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/);
  const events: FramedEvent[] = [];
  let current: { name?: string; id?: string; data?: string } = {};
  for (const line of [...lines, '']) {
    if (line === '') {
      if (current.data !== undefined) events.push({ ...current, data: current.data });
      current = {};
      continue;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (field === 'data') current.data = current.data === undefined ? value : `${current.data}\n${value}`;
    if (field === 'event' && value !== '') current.name = value;
    if (field === 'event' && value === '') delete current.name;
    if (field === 'id' && !value.includes('\0')) current.id = value;
  }
  return events;
}

describe('server-sent events', () => {
  it('reads names, ids, comments, fields without colon, joined data and an event without its blank line', () => {
    const text =
      '\uFEFFevent: a\nid: 1\ndata: one\ndata:  two\n\n: note\n\ndata\n\nevent: dropped\n\nretry: 5\nunknown: x\ndatax: y\ndata:{"é":"😀"}\n\ndata: last';
    assert.deepEqual(frame('sse', [text]), [
      { name: 'a', id: '1', data: 'one\n two' },
      { data: '' },
      { data: '{"é":"😀"}' },
      { data: 'last' },
    ]);
  });

  it('takes LF, CR and CRLF as line ends, mixed', () => {
    const expected = [{ name: 'a', data: '1' }, { data: '2\n3' }];
    assert.deepEqual(frame('sse', ['event: a\rdata: 1\r\rdata: 2\r\ndata: 3\n\r\n']), expected);
    assert.deepEqual(frame('sse', ['event: a\r\ndata: 1\r\n\r', '\ndata: 2\r', '\ndata: 3\r']), expected);
  });

  it('passes over an id with a NUL, and takes no part of an earlier line for the rest of a shorter one', () => {
    assert.deepEqual(frame('sse', ['id: a\0b\ndata: x\n\n']), [{ data: 'x' }]);
    assert.deepEqual(frame('sse', singleBytes(Buffer.from('data: x\n\ndat\n\n'))), [{ data: 'x' }]);
  });

  it('gives an event as soon as its blank line is there', () => {
    const framer = createFramer('sse', { provider: 'test' });
    const events: FramedEvent[] = [];
    for (const end of ['\n\n', '\r\r', '\r\n\r\n', '\r\n\r']) {
      framer.push(Buffer.from(`data: x${end}`), (event) => events.push(event));
      assert.deepEqual(events.splice(0), [{ data: 'x' }], JSON.stringify(end));
    }
  });

  it('gives the same events at every pair of splits', () => {
    const bytes = Buffer.from('\uFEFFevent: né\r\ndata: 😀\r\r\n\n:c\ndata: a\ndata\r\n\r\nid:7\rdata: z');
    const expected = readSse(bytes);
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const chunks = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
        assert.deepEqual(frame('sse', chunks), expected, `${first}, ${second}`);
      }
    }
  });

  it('agrees with the specification on anything made of its tokens, however it is cut', () => {
    const token = fc.constantFrom(
      'data',
      'event',
      'id',
      ':',
      ' ',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'data: ',
      'é',
      '😀',
      '\uFEFF',
      '\0',
      'x',
      '{"a":1}',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), chunkSizes, (tokens, sizes) => {
        const bytes = Buffer.from(tokens.join(''));
        const expected = readSse(bytes);
        assert.deepEqual(frame('sse', [bytes]), expected);
        assert.deepEqual(frame('sse', cut(bytes, sizes)), expected);
      }),
      { numRuns: 1500 },
    );
  });

  it('refuses an event above the limit, whether it is one line, many lines or unfinished, and takes one at the limit', () => {
    for (const chunks of [(bytes: Buffer) => [bytes], (bytes: Buffer) => singleBytes(bytes)]) {
      assert.equal(frame('sse', chunks(Buffer.from(`data: ${'x'.repeat(94)}\n\n`)), 100).length, 1);
      fails('UP_EVENT_TOO_LARGE', () => frame('sse', chunks(Buffer.from(`data: ${'x'.repeat(95)}\n\n`)), 100));
      fails('UP_EVENT_TOO_LARGE', () => frame('sse', chunks(Buffer.from('data: xxxx\n'.repeat(11))), 100));
      fails('UP_EVENT_TOO_LARGE', () => frame('sse', chunks(Buffer.from(`:${'x'.repeat(101)}`)), 100));
      assert.equal(frame('sse', chunks(Buffer.from(`${': note\n'.repeat(50)}data: x\n\n`)), 100).length, 1);
    }
  });

  it('counts each event by itself and refuses an unfinished one before its end', () => {
    assert.equal(frame('sse', ['data: x\n\n'.repeat(50)], 100).length, 50);
    fails('UP_EVENT_TOO_LARGE', () => frame('sse', [`:${'x'.repeat(101)}\n\n`], 100));
    const framer = createFramer('sse', { provider: 'test', maxEventBytes: 100 });
    fails('UP_EVENT_TOO_LARGE', () => framer.push(Buffer.alloc(101, 'x'), () => {}));
  });

  it('reads one huge event in small chunks in linear time', () => {
    const bytes = Buffer.from(`data: ${'x'.repeat(8_000_000)}\n\n`);
    const start = performance.now();
    const events = frame('sse', cut(bytes, [100]));
    assert.equal(events[0]?.data.length, 8_000_000);
    assert.ok(performance.now() - start < 2000);
  });
});

describe('newline-delimited JSON', () => {
  it('gives one event per line, passes over blank lines and takes CRLF and a last line without end', () => {
    assert.deepEqual(frame('ndjson', ['{"a":1}\n\n{"b":\r2}\r\n \t\r\n{"c":"é"}']), [
      { data: '{"a":1}' },
      { data: '{"b":\r2}' },
      { data: '{"c":"é"}' },
    ]);
  });

  it('gives the same events at every split', () => {
    const bytes = Buffer.from('{"a":"😀"}\r\n\n{"b":2}\n{"c":3}');
    const expected = frame('ndjson', [bytes]);
    assert.equal(expected.length, 3);
    for (let at = 0; at <= bytes.length; at++)
      assert.deepEqual(frame('ndjson', [bytes.subarray(0, at), bytes.subarray(at)]), expected);
    assert.deepEqual(frame('ndjson', singleBytes(bytes)), expected);
  });

  it('refuses a line above the limit', () => {
    fails('UP_EVENT_TOO_LARGE', () => frame('ndjson', ['x'.repeat(60), 'x'.repeat(60)], 100));
  });
});

describe('JSON array streams', () => {
  it('gives one event per object at any split', () => {
    const objects = fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { maxLength: 5 });
    // JSON.parse misreads escaped keys after it has seen one that ends with a backslash (nodejs/node#63785).
    const values = objects.filter((list) => !JSON.stringify(list).includes('\\\\":'));
    fc.assert(
      fc.property(values, fc.constantFrom(0, 2), chunkSizes, (objects, indent, sizes) => {
        const bytes = Buffer.from(JSON.stringify(objects, undefined, indent));
        const expected = objects.map((object) => JSON.parse(JSON.stringify(object)));
        const read = (chunks: Buffer[]) => frame('json-array', chunks).map((event) => JSON.parse(event.data));
        assert.deepEqual(read([bytes]), expected);
        assert.deepEqual(read(cut(bytes, sizes)), expected);
        assert.deepEqual(read(singleBytes(bytes)), expected);
      }),
    );
  });

  it('takes objects that stand outside an array', () => {
    assert.deepEqual(frame('json-array', ['{"error":{"code":400}}\n{"b":"]"}']), [
      { data: '{"error":{"code":400}}' },
      { data: '{"b":"]"}' },
    ]);
  });

  it('reports an array that is cut', () => {
    for (const text of ['[', '[{"a":1},', '[{"a":1},{"b":"', '{"a":'])
      fails('UP_STREAM_CUT', () => frame('json-array', [text]));
  });

  it('refuses what is no object, and objects above the limit', () => {
    fails('UP_BAD_BODY', () => frame('json-array', ['<html>']));
    fails('UP_BAD_BODY', () => frame('json-array', ['[1]']));
    fails('UP_EVENT_TOO_LARGE', () => frame('json-array', [`[{"a":"${'x'.repeat(100)}"}]`], 100));
    fails('UP_EVENT_TOO_LARGE', () => frame('json-array', [`[{"a":"${'x'.repeat(60)}`, 'x'.repeat(60)], 100));
  });
});

describe('recorded streams', { skip: absent }, () => {
  const streams = [...recordedStreams()];

  it('gives the same events for any chunks', () => {
    assert.ok(
      streams.some(({ framing }) => framing === 'sse') && streams.some(({ framing }) => framing === 'aws-event-stream'),
    );
    for (const { name, framing, bytes } of streams) {
      const expected = frame(framing, [bytes]);
      assert.ok(expected.length > 0, name);
      for (const { data } of expected)
        if (data !== '[DONE]') assert.doesNotThrow(() => JSON.parse(data), `${name}: ${data}`);
      if (framing === 'sse') assert.deepEqual(expected, readSse(bytes), name);
      fc.assert(
        fc.property(chunkSizes, (sizes) => assert.deepEqual(frame(framing, cut(bytes, sizes)), expected, name)),
        { numRuns: 8 },
      );
      if (bytes.length < 20_000) assert.deepEqual(frame(framing, singleBytes(bytes)), expected, name);
    }
  });
});

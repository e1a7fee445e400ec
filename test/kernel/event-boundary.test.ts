import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EventBoundary } from '../../kernel/framing/boundary.ts';
import { absent, chunkSizes, cut, recordedStreams, singleBytes } from './streams.ts';

/** Passes chunks through a boundary and checks each step against a search of all bytes so far. */
function checkBoundary(chunks: readonly Buffer[]): void {
  const boundary = new EventBoundary();
  let seen = Buffer.alloc(0);
  let given = Buffer.alloc(0);
  for (const chunk of chunks) {
    seen = Buffer.concat([seen, chunk]);
    const ready = boundary.push(Buffer.from(chunk));
    assert.notEqual(ready?.length, 0);
    if (ready !== undefined) given = Buffer.concat([given, ready]);
    assert.equal(given.length, endOfLastEvent(seen), JSON.stringify(String(seen)));
    assert.ok(Buffer.concat([given, boundary.tail()]).equals(seen));
  }
}

function endOfLastEvent(bytes: Buffer): number {
  let end = 0;
  for (const match of `\n${bytes.toString('latin1')}`.matchAll(/(?<=\r\n|\r(?!\n)|\n)(?:\r\n|\r|\n)/g))
    end = match.index + match[0].length - 1;
  return end;
}

describe('event boundaries', () => {
  it('returns the very chunk when it ends with a blank line and nothing is held', () => {
    const boundary = new EventBoundary();
    for (const text of ['data: x\n\n', 'data: x\r\n\r\n', 'data: x\r\r', ': note\n\n']) {
      const chunk = Buffer.from(text);
      assert.equal(boundary.push(chunk), chunk);
    }
    assert.equal(boundary.tail().length, 0);
  });

  it('keeps an unfinished event until its blank line', () => {
    const boundary = new EventBoundary();
    assert.equal(String(boundary.push(Buffer.from('data: 1\n\ndata: '))), 'data: 1\n\n');
    assert.equal(boundary.push(Buffer.from('2\n')), undefined);
    assert.equal(String(boundary.tail()), 'data: 2\n');
    assert.equal(String(boundary.push(Buffer.from('\ndata'))), 'data: 2\n\n');
    assert.equal(String(boundary.tail()), 'data');
  });

  it('finds the last blank line in any style of newline, however the stream is cut', () => {
    const token = fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\n\r\n', 'x', 'data: y');
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), chunkSizes, (tokens, sizes) => {
        const bytes = Buffer.from(tokens.join(''));
        checkBoundary([bytes].filter((chunk) => chunk.length > 0));
        checkBoundary(cut(bytes, sizes));
        checkBoundary(singleBytes(bytes));
      }),
      { numRuns: 1500 },
    );
  });

  it('lets go of an event above the limit and says so until the event ends', () => {
    const boundary = new EventBoundary(10);
    assert.equal(boundary.push(Buffer.from('data: 123')), undefined);
    assert.equal(boundary.torn, false);
    assert.equal(String(boundary.push(Buffer.from('45'))), 'data: 12345');
    assert.equal(boundary.torn, true);
    assert.equal(String(boundary.push(Buffer.from('6\r'))), '6\r');
    assert.equal(String(boundary.push(Buffer.from('\n'))), '\n');
    assert.equal(boundary.torn, true);
    assert.equal(String(boundary.push(Buffer.from('\r\ndata'))), '\r\n');
    assert.equal(boundary.torn, false);
    assert.equal(String(boundary.tail()), 'data');
    assert.equal(
      String(boundary.push(Buffer.from(': 1\n\ndata: a very long one'))),
      'data: 1\n\ndata: a very long one',
    );
    assert.equal(boundary.torn, true);
    assert.equal(String(boundary.push(Buffer.from('\n\n'))), '\n\n');
    assert.equal(boundary.torn, false);
  });

  it('loses no byte of a recorded stream', { skip: absent }, () => {
    for (const { name, framing, bytes } of recordedStreams()) {
      if (framing !== 'sse') continue;
      fc.assert(
        fc.property(chunkSizes, (sizes) => {
          const boundary = new EventBoundary();
          const given = Buffer.concat(cut(bytes, sizes).map((chunk) => boundary.push(chunk) ?? Buffer.alloc(0)));
          assert.equal(given.length, endOfLastEvent(bytes), name);
          assert.ok(Buffer.concat([given, boundary.tail()]).equals(bytes), name);
        }),
        { numRuns: 5 },
      );
    }
  });
});

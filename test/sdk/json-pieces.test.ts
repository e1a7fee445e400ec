import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BytesBody } from '../../plugin-sdk/index.ts';
import { Pieces, scanPieces, scanTopLevel, splice } from '../../plugin-sdk/json-bytes/index.ts';
import { objectBytes } from './json-text.ts';

/** The bytes in pieces: cut at these places, some of them empty. */
function cut(bytes: Buffer, places: readonly number[]): Pieces {
  const at = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  return new Pieces([0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.length)));
}

/** A sound body is not even joined for it. */
function assertScannedAsOne(bytes: Buffer, places: readonly number[]): void {
  const pieces = cut(bytes, places);
  const expected = scanTopLevel(bytes, 'all');
  assert.ok(expected.complete);
  assert.deepEqual(scanPieces(pieces), expected);
  assert.equal(pieces.list.length, places.length + 1);
}

const places = fc.array(fc.nat(), { minLength: 1, maxLength: 8 });

describe('a body in pieces', () => {
  it('is scanned as it would be in one, wherever it is cut', () => {
    fc.assert(
      fc.property(objectBytes, places, (bytes, places) => {
        assertScannedAsOne(bytes, places);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is found broken as it would be in one', () => {
    const broken = fc.tuple(
      objectBytes,
      fc.nat(),
      fc.constantFrom('', '"', '{', '}', ',', ':', '\\', 'x', '[', ']', '1'),
    );
    fc.assert(
      fc.property(broken, places, ([bytes, place, text], places) => {
        const at = place % (bytes.length + 1);
        const result = splice(bytes, [{ start: at, end: Math.min(at + 1, bytes.length), text }]);
        assert.deepEqual(scanPieces(cut(result, places)), scanTopLevel(result, 'all'));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is cut in every place without a difference', () => {
    const bytes = Buffer.from(
      ' {"a\\"\\\\": -1.5e3, "é" : [true,{"b":null}, "x\\\\"],"a\\"\\\\":{ },"c":[ ],"d":false} \n',
    );
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) assertScannedAsOne(bytes, [first, second]);
    }
  });

  it('nests as deeply as is allowed and no deeper', () => {
    for (const text of ['{"a":[[1]]}', '{"a":[[[1]]]}']) {
      const bytes = Buffer.from(text);
      assert.deepEqual(scanPieces(cut(bytes, [3, 6]), { maxDepth: 3 }), scanTopLevel(bytes, 'all', { maxDepth: 3 }));
    }
  });

  it('is edited as it would be in one, and nothing is joined for it', () => {
    const edit = fc.tuple(fc.nat(), fc.nat(), fc.string({ unit: 'grapheme', maxLength: 5 }));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), places, edit, (content, places, [from, length, text]) => {
        const bytes = Buffer.from(content);
        const start = from % bytes.length;
        const edits = [{ start, end: Math.min(bytes.length, start + (length % 9)), text }];
        const pieces = cut(bytes, places);
        const edited = pieces.splice(edits);
        assert.equal(pieces.list.length, places.length + 1);
        assert.equal(edited.length, splice(bytes, edits).length);
        assert.deepEqual(edited.join(), splice(bytes, edits));
        assert.deepEqual(pieces.slice(edits[0]!), bytes.subarray(start, edits[0]!.end));
      }),
    );
    assert.throws(() => cut(Buffer.from('abcdef'), [2]).splice([{ start: 3, end: 7, text: '' }]));
  });

  it('finds words that lie across two pieces or more, and only those that are there', () => {
    for (const [text, found] of [
      ['say "image" now', true],
      ['say "imag" now', false],
      ['"imag', false],
    ] as const) {
      const bytes = Buffer.from(text);
      for (let first = 0; first <= bytes.length; first++) {
        for (let second = first; second <= bytes.length; second++)
          assert.equal(cut(bytes, [first, second]).mention(['"image', 's3Location']), found, `${first}, ${second}`);
      }
    }
    const long = Buffer.from(`${' '.repeat(65_530)}s3Location`);
    assert.ok(new Pieces([long]).mention(['"image', 's3Location']));
  });

  it('is joined as it is received where its pieces are many and small, and edited in any number of them', () => {
    const bytes = Buffer.from(`{"model":"a","input":"${'x'.repeat(200_000)}"}`);
    const each = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    assert.deepEqual(Pieces.received(each).list, [bytes]);
    const halves = [bytes.subarray(0, 100_000), bytes.subarray(100_000)];
    assert.deepEqual(Pieces.received(halves).list, halves);
    const edited = new BytesBody(new Pieces(each), 'application/json').edit('model', 'b');
    assert.equal(edited.bytes.length, bytes.length);
    assert.equal(edited.member('model'), 'b');
  });

  it('gets a member set in its place or behind the others', () => {
    const bytes = Buffer.from('{"model": "a", "n": 1 }\n');
    for (let at = 0; at <= bytes.length; at++) {
      const body = new BytesBody(cut(bytes, [at]), 'application/json');
      assert.deepEqual(JSON.parse(String(body.withMember('n', '2').bytes)), { model: 'a', n: 2 });
      assert.deepEqual(JSON.parse(String(body.withMember('top_p', '0.5').bytes)), { model: 'a', n: 1, top_p: 0.5 });
      assert.equal(body.member('model'), 'a');
      assert.equal(String(body.edit('model', 'b').bytes), '{"model": "b", "n": 1 }\n');
    }
    const empty = new BytesBody(cut(Buffer.from('{ }'), [1]), 'application/json');
    assert.deepEqual(JSON.parse(String(empty.withMember('a', '1').bytes)), { a: 1 });
    assert.throws(() => new BytesBody(cut(Buffer.from('{"a":'), [2]), 'application/json').withMember('b', '1'), {
      code: 'REQ_BODY_NOT_JSON',
    });
  });
});

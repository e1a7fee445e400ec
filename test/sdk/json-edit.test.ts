import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { insertMember, removeMember, scanTopLevel, splice } from '../../plugin-sdk/json-bytes/index.ts';
import { jsonText, objectBytes, parsed } from './json-text.ts';

describe('editing bytes', () => {
  it('replaces ranges and keeps every other byte', () => {
    const kept = fc.uint8Array({ minLength: 1, maxLength: 5 });
    const pieces = fc.array(fc.tuple(kept, fc.uint8Array({ maxLength: 5 }), fc.string({ unit: 'grapheme' })), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(pieces, fc.uint8Array(), (pieces, last) => {
        const original = Buffer.concat([...pieces.flatMap((piece) => [piece[0], piece[1]]), last]);
        const expected = Buffer.concat([...pieces.flatMap(([kept, , text]) => [kept, Buffer.from(text)]), last]);
        let end = 0;
        const edits = pieces.map(([kept, replaced, text]) => {
          const start = end + kept.length;
          end = start + replaced.length;
          return { start, end, text };
        });
        assert.deepEqual(splice(original, edits), expected);
        assert.deepEqual(splice(original, edits.toReversed()), expected);
      }),
    );
  });

  it('inserts before a replacement that starts at the same place', () => {
    const edits = [
      { start: 2, end: 4, text: 'X' },
      { start: 2, end: 2, text: '-' },
    ];
    assert.equal(String(splice(Buffer.from('abcdef'), edits)), 'ab-Xef');
  });

  it('refuses ranges that overlap or lie outside', () => {
    const bytes = Buffer.from('abcdef');
    assert.throws(() =>
      splice(bytes, [
        { start: 0, end: 3, text: '' },
        { start: 2, end: 4, text: '' },
      ]),
    );
    assert.throws(() => splice(bytes, [{ start: 3, end: 7, text: '' }]));
  });

  it('replaces a member so that only this member differs', () => {
    fc.assert(
      fc.property(objectBytes, jsonText, (bytes, text) => {
        const member = scanTopLevel(bytes, ['model']).members.get('model');
        if (member === undefined) return;
        const result = splice(bytes, [{ start: member.start, end: member.end, text }]);
        assert.deepEqual(parsed(result), { ...parsed(bytes), model: JSON.parse(text) });
        assert.ok(result.subarray(0, member.start).equals(bytes.subarray(0, member.start)));
        assert.ok(result.subarray(member.start + Buffer.byteLength(text)).equals(bytes.subarray(member.end)));
      }),
    );
  });

  it('removes a member with all its duplicates and leaves the rest as it was', () => {
    fc.assert(
      fc.property(objectBytes, (bytes) => {
        const member = scanTopLevel(bytes, ['model']).members.get('model');
        if (member === undefined) return;
        const { model: _, ...rest } = parsed(bytes);
        const result = removeMember(bytes, member);
        assert.deepEqual(parsed(result), JSON.parse(JSON.stringify(rest)));
        assert.equal(scanTopLevel(result, ['model']).members.size, 0);
      }),
      { numRuns: 1000 },
    );
    const remove = (text: string, name: string) =>
      String(removeMember(Buffer.from(text), scanTopLevel(Buffer.from(text), [name]).members.get(name)!));
    assert.equal(remove('{\n  "a": 1,\n  "b": 2\n}', 'a'), '{\n  "b": 2\n}');
    assert.equal(remove('{\n  "a": 1,\n  "b": 2\n}', 'b'), '{\n  "a": 1\n}');
    assert.equal(remove('{ "a": 1 }', 'a'), '{  }');
    assert.equal(remove('{"a":1,"a":2}', 'a'), '{}');
  });

  it('adds a member first or last', () => {
    fc.assert(
      fc.property(objectBytes, fc.constantFrom('first' as const, 'last' as const), jsonText, (bytes, place, text) => {
        const result = insertMember(bytes, 'new "one"', text, place);
        assert.deepEqual(parsed(result), { ...parsed(bytes), 'new "one"': JSON.parse(text) });
        const keys = Object.keys(parsed(result)).filter((name) => !/^\d+$/.test(name));
        assert.equal(place === 'first' ? keys[0] : keys.at(-1), 'new "one"');
      }),
    );
    assert.equal(String(insertMember(Buffer.from(' { } '), 'a', '1')), ' {"a":1 } ');
    assert.equal(String(insertMember(Buffer.from('{"b": 2 }\n'), 'a', '1')), '{"b": 2,"a":1 }\n');
    assert.equal(String(insertMember(Buffer.from('{ "b": 2 }'), 'a', '1', 'first')), '{"a":1, "b": 2 }');
    for (const text of ['[]', '', '{', '}', '1']) assert.throws(() => insertMember(Buffer.from(text), 'a', '1'), text);
  });
});

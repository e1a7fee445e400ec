import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  findPath,
  lastObjectNamed,
  readBoolean,
  readNumber,
  readString,
  readValue,
  scanTopLevel,
} from '../../plugin-sdk/json-bytes/index.ts';
import { anyString, at, isSafeKey, names, objectBytes, parsed, stringText } from './json-text.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('scanning an object', () => {
  it('finds the values that JSON.parse finds', () => {
    fc.assert(
      fc.property(objectBytes, (bytes) => {
        const result = scanTopLevel(bytes, names);
        const expected = parsed(bytes);
        assert.equal(result.complete, true);
        assert.equal(result.problem, undefined);
        assert.ok(result.depth >= depthOf(expected));
        for (const name of names) {
          const member = result.members.get(name);
          assert.equal(member !== undefined, Object.hasOwn(expected, name), name);
          if (member === undefined) continue;
          assert.deepEqual(readValue(bytes, member), expected[name]);
          assert.equal(JSON.parse(/^"(?:[^"\\]|\\.)*"/s.exec(bytes.toString('utf8', member.keyStart))![0]), name);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('finds all members under the names that JSON.parse gives them, the last of one name first', () => {
    fc.assert(
      fc.property(objectBytes, (bytes) => {
        const { members } = scanTopLevel(bytes, 'all');
        const expected = parsed(bytes);
        for (const [name, member] of members) {
          if (isSafeKey(name)) assert.deepEqual(readValue(bytes, member), expected[name]);
        }
        for (const name of Object.keys(expected)) assert.ok(members.has(name), name);
      }),
      { numRuns: 1000 },
    );
    const twice = scanTopLevel(Buffer.from('{"a":1,"\\u0061":2,"é":3}'), 'all').members;
    assert.deepEqual([...twice.keys()], ['a', 'é']);
    assert.equal(twice.get('a')!.earlier!.start, 5);
  });

  it('calls every head of a body incomplete and finds only whole values in it', () => {
    fc.assert(
      fc.property(objectBytes, (bytes) => {
        const whole = bytes.subarray(0, bytes.lastIndexOf('}'));
        for (let end = 0; end <= whole.length; end++) {
          const result = scanTopLevel(bytes.subarray(0, end), names);
          assert.equal(result.problem, 'incomplete', bytes.toString('utf8', 0, end));
          assert.equal(result.complete, false);
          for (const member of result.members.values()) assert.doesNotThrow(() => JSON.parse(at(bytes, member)!));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is complete for nothing that JSON.parse refuses for its structure', () => {
    const broken = [
      '{bad',
      '{"a":1}}',
      '{"a":1} x',
      '{"a" 1}',
      '{"a":}',
      '{"a":1,}',
      '{,}',
      '{"a":[1}',
      '{"a":{]}',
      '{"a":tru}',
      '{"a":nul1}',
      "{'a':1}",
      '[]',
      '"a"',
      '1',
      '{"a":[,]}',
      '{"a":[1,]}',
      '{"a":[1 2]}',
      '{"a":{"b"}}',
      '{"a":{b:1}}',
      '\uFEFF{}',
      '{"a":x}',
      '{1:2}',
      '{"a":"b"c"}',
    ];
    for (const text of broken) {
      const result = scanTopLevel(Buffer.from(text), ['a']);
      assert.equal(result.problem, 'invalid', text);
      assert.equal(result.complete, false, text);
    }
    assert.equal(scanTopLevel(Buffer.from('{"a":[1}'), []).at, 7);
    for (const text of ['', ' ', '{', '{"a', '{"a":"x\\"}', '{"a":tr', '{"a":12', '{"a":[{"b":1}'])
      assert.equal(scanTopLevel(Buffer.from(text), ['a']).problem, 'incomplete', text);
  });

  it('judges any edited text as JSON.parse does, save for the inner form of strings and numbers', () => {
    const token = /"(?:[^"\\]|\\.)*"|true|false|null|[-+.\deE]+/gs;
    const piece = fc.constantFrom('', '{', '}', '[', ']', '"', ',', ':', 'x', '1', 'true', ' ');
    fc.assert(
      fc.property(objectBytes, fc.nat(), piece, (bytes, position, text) => {
        const start = position % bytes.length;
        const edited = Buffer.concat([bytes.subarray(0, start), Buffer.from(text), bytes.subarray(start + 1)]);
        const plain = edited
          .toString('latin1')
          .replace(token, (word) => (word[0] === '"' ? '""' : /^[tfn]/.test(word) ? word : '0'));
        let valid = true;
        try {
          JSON.parse(plain);
        } catch {
          valid = false;
        }
        const isObjectText = /^[ \n\r\t]*\{/.test(plain);
        assert.equal(scanTopLevel(edited, names).complete, valid && isObjectText, plain);
      }),
      { numRuns: 3000 },
    );
  });

  it('compares keys by what they mean, not by their bytes', () => {
    const found = (text: string, name: string) => scanTopLevel(Buffer.from(text), [name]).members.size;
    assert.equal(found('{"é":1}', 'Ã©'), 0);
    assert.equal(found('{"a\\b":1}', 'a\\b'), 0);
    assert.equal(found('{"a\\\\b":1}', 'a\\b'), 1);
    assert.equal(found('{"\\q":1}', ''), 0);
    assert.equal(found('{"\\u006dodel":1}', 'model'), 1);
  });

  it('stops at too many levels', () => {
    const nested = (levels: number) => Buffer.from(`{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`);
    assert.equal(scanTopLevel(nested(20), [], { maxDepth: 20 }).complete, true);
    assert.equal(scanTopLevel(nested(20), [], { maxDepth: 20 }).depth, 20);
    assert.equal(scanTopLevel(nested(21), [], { maxDepth: 20 }).problem, 'too-deep');
    assert.equal(scanTopLevel(Buffer.from('{"a":'.repeat(100_000)), []).problem, 'too-deep');
    assert.equal(scanTopLevel(Buffer.from('{}'), [], { maxDepth: 0 }).problem, 'too-deep');
    assert.equal(scanTopLevel(nested(2000), [], { maxDepth: 2000 }).complete, true);
  });

  it('stops early only when asked to', () => {
    const bytes = Buffer.from('{"model":"a","stream":true,"model":"b"} x');
    const stopped = scanTopLevel(bytes, ['model', 'stream'], { stopWhenFound: true });
    assert.equal(at(bytes, stopped.members.get('model')), '"a"');
    assert.equal(stopped.complete, false);
    assert.equal(stopped.problem, undefined);
    const full = scanTopLevel(bytes, ['model', 'stream']);
    assert.equal(at(bytes, full.members.get('model')), '"b"');
    assert.equal(at(bytes, full.members.get('model')?.earlier), '"a"');
    assert.equal(full.problem, 'invalid');
  });

  it('takes time in proportion to hostile bytes', () => {
    const start = performance.now();
    for (const filler of ['\\', '\\"', '\\\\', '"', '{"', '[', ' '])
      scanTopLevel(Buffer.from(`{"a":"${filler.repeat(500_000)}`), ['a']);
    scanTopLevel(Buffer.from(`{"a":${' '.repeat(1_000_000)}`), ['a']);
    assert.ok(performance.now() - start < 1000);
  });
});

describe('reading a value', () => {
  const range = (text: string) => [Buffer.from(text), { start: 0, end: Buffer.byteLength(text) }] as const;

  it('decodes every string as JSON.parse does', () => {
    fc.assert(fc.property(stringText(anyString), (text) => assert.equal(readString(...range(text)), JSON.parse(text))));
  });

  it('gives undefined for another kind or a broken value', () => {
    for (const text of ['1', 'null', '{}', '"\\q"', '"a\nb"', '"\\u12"'])
      assert.equal(readString(...range(text)), undefined, text);
    assert.equal(readBoolean(...range('true')), true);
    assert.equal(readBoolean(...range('false')), false);
    for (const text of ['"true"', '1', 'null']) assert.equal(readBoolean(...range(text)), undefined);
    assert.equal(readNumber(...range('-1.5e3')), -1500);
    for (const text of ['"1"', 'true', '01', '1.']) assert.equal(readNumber(...range(text)), undefined);
  });
});

describe('finding a path', () => {
  it('finds every value that JSON.parse has, and no other', () => {
    const check = (bytes: Buffer, path: (string | number)[], value: unknown): void => {
      const range = findPath(bytes, path);
      if (path.length > 0) assert.deepEqual(readValue(bytes, range!), value, JSON.stringify(path));
      if (typeof value !== 'object' || value === null) return;
      for (const [name, inner] of Object.entries(value))
        check(bytes, [...path, Array.isArray(value) ? Number(name) : name], inner);
      assert.equal(findPath(bytes, [...path, 'absent']), undefined);
      assert.equal(findPath(bytes, [...path, Array.isArray(value) ? value.length : 0]), undefined);
    };
    fc.assert(
      fc.property(objectBytes, (bytes) => check(bytes, [], parsed(bytes))),
      { numRuns: 500 },
    );
  });

  it('gives nothing where the bytes are broken or another kind', () => {
    for (const text of ['{"a":[1,2}', '{"a":{"b":1}', '{"a":1}', '[{"b":1}]', ''])
      assert.equal(findPath(Buffer.from(text), ['a', 'b']), undefined, text);
  });
});

describe('finding the last object of a name', () => {
  /** All objects that are the value of a member of this name, in the order of the text. */
  function objectsNamed(value: unknown, name: string): unknown[] {
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => {
      const own = key === name && typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? [inner] : [];
      return [...own, ...objectsNamed(inner, name)];
    });
  }

  it('finds a real member, never text inside a string', () => {
    const lure = fc.constantFrom(
      '"usage":{"a":1}',
      '\\"usage\\":{}',
      '{"usage":{"x":{}}}',
      '"usage"',
      'x"usage',
      'usage',
      '":{"',
      '\\',
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'medium' },
        lure,
        fc.constantFrom(1, null, true),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(fc.constant('usage'), lure.filter(isSafeKey)), tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        assert.deepEqual(lastObjectNamed(Buffer.from(text), 'usage'), objectsNamed(JSON.parse(text), 'usage').at(-1));
      }),
      { numRuns: 3000 },
    );
  });

  it('reads the events of a chunk from the end', () => {
    const bytes = Buffer.from(
      'data: {"usage":{"total_tokens":1}}\n\ndata: {"usage":{"total_tokens":2}}\n\ndata: {"usage":null}\n\ndata: [DONE]\n\n',
    );
    assert.deepEqual(lastObjectNamed(bytes, 'usage'), { total_tokens: 2 });
    assert.equal(lastObjectNamed(Buffer.from('{"usage":{"a":'), 'usage'), undefined);
    assert.equal(lastObjectNamed(Buffer.from('{"usage":{"a":01}}'), 'usage'), undefined);
    assert.equal(lastObjectNamed(Buffer.from('{"usage"'), 'usage'), undefined);
  });
});

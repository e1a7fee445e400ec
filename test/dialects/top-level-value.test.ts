import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { topLevelValue } from '../../plugin-sdk/dialects/anthropic-messages/top-level-value.ts';

const find = (body: unknown, indent?: number) =>
  topLevelValue(Buffer.from(JSON.stringify(body, null, indent)), 'usage');

test('finds a top-level value wherever it stands, whatever surrounds it', () => {
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.string()),
    fc.dictionary(fc.string(), fc.jsonValue()),
  );
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      value,
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(0, 2),
      (before, usage, after, indent) => {
        const { usage: _, ...left } = before;
        const { usage: __, ...right } = after;
        const body = { ...left, usage, ...right };
        assert.deepEqual(find(body, indent), JSON.parse(JSON.stringify(usage)));
      },
    ),
  );
});

test('takes neither a nested key nor one that only text mentions', () => {
  assert.equal(find({ a: { usage: 1 }, b: [{ usage: 2 }], c: '"usage": 3', d: '\\"usage": 4' }), undefined);
  assert.equal(find({ usage: 5, a: { usage: 1 }, b: '"usage": 3' }), 5);
});

test('finds nothing in bytes that are no object', () => {
  for (const bytes of ['', '"usage"', '{"usage"', '{"usage":', 'usage', '[{"usage":1}]']) {
    assert.equal(topLevelValue(Buffer.from(bytes), 'usage'), undefined, bytes);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import * as fc from 'fast-check';
import type { JsonObject } from '../../plugin-sdk/index.ts';
import { fromSchema } from '../../providers/mock/from-schema.ts';

const bounded = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.nat(50));
const { schema } = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonObject[]>(
      { type: 'boolean' },
      { type: 'null' },
      { const: 7 },
      { enum: ['a', 2] },
      { type: ['string', 'null'] },
    ),
    bounded.map(([minimum, span]) => ({ type: 'integer', minimum, maximum: minimum + span })),
    bounded.map(([minimum]) => ({ type: 'number', exclusiveMinimum: minimum })),
    bounded.map(([maximum]) => ({ type: 'integer', exclusiveMaximum: maximum })),
    fc
      .tuple(fc.nat(9), fc.nat(9))
      .map(([minLength, more]) => ({ type: 'string', minLength, maxLength: minLength + more })),
    fc.tuple(tie('schema'), fc.nat(3)).map(([items, minItems]) => ({ type: 'array', items, minItems })),
    fc.tuple(tie('schema'), tie('schema')).map((anyOf) => ({ anyOf })),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tie('schema'), { maxKeys: 3 }).map((properties) => ({
      type: 'object',
      properties,
      required: Object.keys(properties),
      additionalProperties: false,
    })),
  ) as fc.Arbitrary<JsonObject>,
}));

test('makes a value that the schema accepts', () => {
  const ajv = new Ajv({ strict: false });
  fc.assert(
    fc.property(schema, fc.string(), (wanted, text) => {
      const value = fromSchema(wanted, text);
      assert.ok(ajv.validate(wanted, value), `${JSON.stringify(value)} for ${JSON.stringify(wanted)}`);
    }),
    { numRuns: 300 },
  );
});

test('ends on a schema that contains itself', () => {
  const tree = {
    $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } }, required: ['next'] } },
    $ref: '#/$defs/node',
  };
  assert.equal(typeof fromSchema(tree, 'x'), 'object');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allot } from '../../plugins/governance/allotment.ts';

const wants = { most: 128_000, usual: 16_384, least: 64 };
const linear = (base: number, rate: number) => (output: number) => base + output * rate;

test('gives all that the model can, while there is room for sixteen like it', () => {
  assert.equal(allot({ left: 16 * 128_000, costOf: linear(0, 1) }, wants), 128_000);
  assert.equal(allot({ left: 16 * 64_000, costOf: linear(0, 1) }, wants), 64_000);
});

test('gives the usual amount while it is there, then half of what is left, then the least', () => {
  assert.equal(allot({ left: 100_000, costOf: linear(0, 1) }, wants), 16_384);
  assert.equal(allot({ left: 10_000, costOf: linear(0, 1) }, wants), 5_000);
  assert.equal(allot({ left: 100, costOf: linear(0, 1) }, wants), 64);
  assert.equal(allot({ left: -5, costOf: linear(10, 1) }, wants), 64);
});

test('gives all where output costs nothing', () => {
  assert.equal(allot({ left: 0, costOf: () => 0 }, wants), 128_000);
});

/** A price with a base and two slopes: below and above a bend, as dearer fallbacks with a smaller maximum make it. */
const price = fc.record({ base: fc.nat(50_000), low: fc.nat(100), high: fc.nat(100), bend: fc.nat(128_000) }).map(
  ({ base, low, high, bend }) =>
    (output: number) =>
      base + low * Math.min(output, bend) + high * Math.max(output - bend, 0),
);

test('never gives more than is left, but the least, whatever the price', () => {
  fc.assert(
    fc.property(price, fc.nat(20_000_000), (costOf, left) => {
      const output = allot({ left, costOf }, wants) as number;
      assert.ok(output >= wants.least && output <= wants.most && Number.isInteger(output));
      if (output > wants.least) assert.ok(costOf(output) <= left, `${costOf(output)} of ${left}`);
    }),
  );
});

test('leaves something for the next caller, as long as there is enough for two', () => {
  fc.assert(
    fc.property(price, fc.nat(20_000_000), (costOf, left) => {
      const output = allot({ left, costOf }, wants) as number;
      if (costOf(wants.usual) * 2 > left) return;
      assert.ok(left - costOf(output) >= costOf(wants.least), `${output} of ${left}`);
    }),
  );
});

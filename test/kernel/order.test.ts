import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Orderable, order } from '../../kernel/order.ts';

const plugin = (id: string, more: Partial<Orderable> = {}): Orderable => ({
  id,
  after: [],
  requires: [],
  provides: [id],
  ...more,
});
const ids = (plugins: readonly Orderable[]): string[] => order(plugins).map(({ id }) => id);

test('keeps the order of the config where nothing says otherwise', () => {
  assert.deepEqual(ids([plugin('c'), plugin('a'), plugin('b')]), ['c', 'a', 'b']);
});

test('puts a plugin behind those it runs after or requires', () => {
  assert.deepEqual(ids([plugin('a', { after: ['b'] }), plugin('b', { requires: ['c'] }), plugin('c')]), [
    'c',
    'b',
    'a',
  ]);
});

test('finds plugins by capability', () => {
  assert.deepEqual(
    ids([plugin('user', { requires: ['port:ledger'] }), plugin('store', { provides: ['store', 'port:ledger'] })]),
    ['store', 'user'],
  );
});

test('ignores an after that is not loaded', () => {
  assert.deepEqual(ids([plugin('a', { after: ['absent'] })]), ['a']);
});

test('names the plugin and the capability when nobody provides it', () => {
  assert.throws(() => ids([plugin('a', { requires: ['port:jobs'] })]), {
    code: 'PLUGIN_MISSING',
    message: /a requires port:jobs/,
  });
});

test('names the cycle when plugins wait for each other', () => {
  const cycle = [plugin('a', { after: ['b'] }), plugin('b', { after: ['c'] }), plugin('c', { requires: ['a'] })];
  assert.throws(() => ids(cycle), { code: 'PLUGIN_CYCLE', message: /a → b → c → a/ });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { type Orderable, order } from '../../kernel/order.ts';
import { definePlugin } from '../../plugin-sdk/index.ts';
import { startGateway } from '../../plugin-sdk/testing/index.ts';

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

test('warns of an after that is nearly a name, and not of one that may be of a plugin that is absent', async () => {
  const later = definePlugin({
    name: 'test/later',
    options: z.strictObject({}),
    after: ['plugins/goverance', 'acme/audit', 'plugins/cache'],
    setup: () => ({}),
  });
  await using gateway = await startGateway({
    definitions: { 'test/later': later },
    plugins: { 'routes/openai': {}, 'providers/mock': {}, 'test/later': {} },
  });
  assert.deepEqual(
    gateway.logs.filter(({ level }) => level === 'warn').map(({ message }) => message),
    [
      'plugins["test/later"]: it runs after plugins/goverance, which nothing is called; did you mean plugins/governance?',
    ],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account, AccountUsage, Ledger } from '../../plugin-sdk/ports/ledger.ts';
import { Balances } from '../../plugins/governance/balances.ts';

const account: Account = {
  id: 'a',
  unit: 'nano-usd',
  limit: 1_000,
  window: { type: 'rolling', period: '1d' as never },
};

function ledgerWith(used: () => number) {
  let asked = 0;
  const usage = (accounts: readonly Account[]): AccountUsage[] => {
    asked++;
    return accounts.map((one) => ({ account: one, used: used(), reserved: 0, resetAt: undefined }));
  };
  return { ledger: { usage } as unknown as Ledger, asked: () => asked };
}

test('asks the ledger once in a while, and counts what was taken since', () => {
  let now = 1_000;
  let used = 100;
  const { ledger, asked } = ledgerWith(() => used);
  const balances = new Balances(ledger, { now: () => now });
  assert.deepEqual(balances.of([account], false), [900]);
  balances.took(account, 50);
  used = 400;
  now += 199;
  assert.deepEqual(balances.of([account], false), [850]);
  assert.equal(asked(), 1);
  now += 1;
  assert.deepEqual(balances.of([account], false), [600]);
  assert.equal(asked(), 2);
});

test('asks again at once for a call that must know', () => {
  let used = 100;
  const { ledger } = ledgerWith(() => used);
  const balances = new Balances(ledger, { now: () => 1_000 });
  assert.deepEqual(balances.of([account], false), [900]);
  used = 990;
  assert.deepEqual(balances.of([account], true), [10]);
});
